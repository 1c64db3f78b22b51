import Synchronization

/// What a family is made of.
protocol Metric: AnyObject, Sendable {
    static var type: MetricType { get }
    func expose(name: String, labels: String, to text: inout MetricsText)
}

/// What a registry keeps, whatever its metrics are.
protocol ExposedFamily: Sendable {
    func expose(to text: inout MetricsText)
}

/// All metrics of one name, told apart by the values of their labels.
///
/// Bind a child once, where its labels are known, and keep it: finding it takes a lock, using it doesn't.
public final class MetricFamily<Child: Sendable>: Sendable {
    /// Its name.
    public let name: String
    /// Its help line.
    public let help: String
    /// Names of its labels, in order.
    public let labelNames: [String]
    private let type: MetricType
    private let make: @Sendable () -> Child
    private let exposeChild: @Sendable (Child, String, String, inout MetricsText) -> Void
    private let children = Mutex<[String: Child]>([:])

    init(_ name: String, help: String, labels: [String], make: @escaping @Sendable () -> Child) where Child: Metric {
        self.name = Exposition.name(name)
        self.help = help
        labelNames = labels.map(Exposition.name)
        type = Child.type
        self.make = make
        exposeChild = { $0.expose(name: $1, labels: $2, to: &$3) }
    }

    /// The metric of these label values; made at its first use.
    /// - Parameter values: in the order of the names; missing ones are empty, further ones are left out.
    /// - Returns: the same one for the same values.
    public func child(_ values: String...) -> Child {
        let key = labelText(values)
        return children.withLock { children in
            if let known = children[key] { return known }
            let made = make()
            children[key] = made
            return made
        }
    }

    /// Forgets the metric of these label values, for what is gone for good (a backend that left).
    public func remove(_ values: String...) {
        let key = labelText(values)
        children.withLock { _ = $0.removeValue(forKey: key) }
    }

    private func labelText(_ values: [String]) -> String {
        MetricSamples.pairs(labelNames, values)
    }
}

extension MetricFamily: ExposedFamily {
    func expose(to text: inout MetricsText) {
        let sorted = children.withLock { $0 }.sorted { $0.key < $1.key }
        guard !sorted.isEmpty else { return }
        text.begin(name, help: help, type)
        for (labels, child) in sorted { exposeChild(child, name, labels, &text) }
    }
}
