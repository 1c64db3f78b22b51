import Synchronization

/// A number that goes up and down.
///
/// Lock-free.
public final class Gauge: Sendable {
    private let bits = Atomic<UInt64>(0)

    /// Starts at 0.
    ///
    /// A gauge that shall be scraped comes from a registry's family.
    public init() {}

    /// Replaces the number.
    public func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

    /// Replaces the number.
    public func set(_ value: some BinaryInteger) { set(Double(value)) }

    /// Adds to the number; what is negative takes away.
    public func add(_ amount: Double) {
        var known = bits.load(ordering: .relaxed)
        while true {
            let sum = (Double(bitPattern: known) + amount).bitPattern
            let (exchanged, current) = bits.weakCompareExchange(expected: known, desired: sum, ordering: .relaxed)
            if exchanged { return }
            known = current
        }
    }

    /// Adds one.
    public func increment() { add(1) }
    /// Takes one away.
    public func decrement() { add(-1) }

    /// The number now.
    public var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
}

extension Gauge: Metric {
    static var type: MetricType { .gauge }

    func expose(name: String, labels: String, to text: inout MetricsText) {
        text.sample(name, labels, Exposition.number(value))
    }
}
