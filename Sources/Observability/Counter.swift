import Synchronization

/// A number that only grows.
///
/// Lock-free.
public final class Counter: Sendable {
    private let count = Atomic<UInt64>(0)

    /// Starts at 0.
    ///
    /// A counter that shall be scraped comes from a registry's family.
    public init() {}

    /// Adds one.
    public func increment() { count.wrappingAdd(1, ordering: .relaxed) }

    /// Adds so many; a negative number adds nothing.
    public func increment(by amount: some BinaryInteger) {
        guard amount > 0 else { return }
        count.wrappingAdd(UInt64(clamping: amount), ordering: .relaxed)
    }

    /// The number now.
    public var value: UInt64 { count.load(ordering: .relaxed) }
}

extension Counter: Metric {
    static var type: MetricType { .counter }

    func expose(name: String, labels: String, to text: inout MetricsText) {
        text.sample(name, labels, "\(value)")
    }
}
