import Synchronization

/// All metrics of a program, exposed in Prometheus' text format.
public final class MetricsRegistry: Sendable {
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

    /// A family whose samples are known elsewhere, and read by each exposition.
    ///
    /// The same name again changes nothing.
    /// - Parameters:
    ///   - name: by convention as for the other kinds.
    ///   - help: one line for people.
    ///   - type: what it is made of.
    ///   - labels: names of the labels, in order.
    ///   - read: adds the samples. It must not wait for anything.
    public func samples(
        _ name: String, help: String, _ type: MetricType, labels: String...,
        read: @escaping @Sendable (inout MetricSamples) -> Void
    ) {
        let family = SampledFamily(
            name: Exposition.name(name), help: help, type: type, labelNames: labels.map(Exposition.name), read: read)
        state.withLock { state in
            guard !state.families.contains(where: { $0.name == name }) else { return }
            state.families.append((name, family))
        }
    }

    /// The names of all families, in the order in which they were made.
    public var names: [String] { state.withLock { $0.families.map(\.name) } }

    /// All metrics as text, in the order in which their families were made.
    ///
    /// With thousands of them this takes milliseconds, which no loop has.
    public func exposition(_ format: MetricsFormat = .prometheus) -> String {
        let hooks = state.withLock { $0.hooks }
        for hook in hooks { hook() }
        var text = MetricsText(format)
        for entry in state.withLock({ $0.families }) { entry.family.expose(to: &text) }
        text.end()
        return text.text
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
