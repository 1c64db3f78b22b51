import Synchronization

/// All metrics of a program, exposed in Prometheus' text format.
public final class MetricsRegistry: Sendable {
    /// The media type of `exposition()`.
    public static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

    private struct State {
        var families: [(name: String, family: any ExposedFamily)] = []
        var hooks: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())

    /// Starts empty.
    public init() {}

    /// A family of counters.
    ///
    /// The same name again gives the same family.
    /// - Parameters:
    ///   - name: by convention it ends in `_total`.
    ///   - help: one line for people.
    ///   - labels: names of the labels, in order; their values must be a small closed set.
    /// - Returns: the family, to bind children of.
    public func counters(_ name: String, help: String, labels: String...) -> MetricFamily<Counter> {
        family(name) { MetricFamily(name, help: help, labels: labels) { Counter() } }
    }

    /// A family of gauges.
    ///
    /// The same name again gives the same family.
    public func gauges(_ name: String, help: String, labels: String...) -> MetricFamily<Gauge> {
        family(name) { MetricFamily(name, help: help, labels: labels) { Gauge() } }
    }

    /// A family of histograms.
    ///
    /// The same name again gives the same family.
    /// - Parameters:
    ///   - name: by convention it ends in its unit, such as `_seconds`.
    ///   - help: one line for people.
    ///   - labels: names of the labels, in order.
    ///   - bounds: upper bounds of the buckets.
    /// - Returns: the family, to bind children of.
    public func histograms(
        _ name: String, help: String, labels: String..., bounds: [Double] = Histogram.seconds
    ) -> MetricFamily<Histogram> {
        family(name) { MetricFamily(name, help: help, labels: labels) { Histogram(bounds: bounds) } }
    }

    /// A counter without labels.
    public func counter(_ name: String, help: String) -> Counter { counters(name, help: help).child() }
    /// A gauge without labels.
    public func gauge(_ name: String, help: String) -> Gauge { gauges(name, help: help).child() }
    /// A histogram without labels.
    public func histogram(_ name: String, help: String, bounds: [Double] = Histogram.seconds) -> Histogram {
        histograms(name, help: help, bounds: bounds).child()
    }

    /// Runs before each exposition, to set gauges whose truth lies elsewhere.
    ///
    /// It must not block.
    public func beforeExposition(_ hook: @escaping @Sendable () -> Void) {
        state.withLock { $0.hooks.append(hook) }
    }

    /// All metrics as text, in the order in which their families were made.
    public func exposition() -> String {
        let hooks = state.withLock { $0.hooks }
        for hook in hooks { hook() }
        var text = ""
        for entry in state.withLock({ $0.families }) { entry.family.expose(to: &text) }
        return text
    }

    private func family<Child>(_ name: String, make: () -> MetricFamily<Child>) -> MetricFamily<Child> {
        state.withLock { state in
            if let known = state.families.first(where: { $0.name == name })?.family {
                // Two types under one name is a bug of the program: the second is usable but isn't exposed.
                return known as? MetricFamily<Child> ?? make()
            }
            let made = make()
            state.families.append((name, made))
            return made
        }
    }
}
