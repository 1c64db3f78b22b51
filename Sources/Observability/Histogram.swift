/// How observations are spread: a counter for each bucket, and their sum.
///
/// Lock-free.
public final class Histogram: Sendable {
    /// Seconds from 1 ms to 60 s, for requests.
    public static let seconds: [Double] = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ]

    /// Upper bounds, ascending; a last bucket without a bound follows.
    public let bounds: [Double]
    private let buckets: [Counter]
    private let sum = Gauge()

    /// A histogram that shall be scraped comes from a registry's family.
    /// - Parameter bounds: upper bounds, in any order; what isn't finite is left out.
    public init(bounds: [Double] = Histogram.seconds) {
        self.bounds = Set(bounds.filter(\.isFinite)).sorted()
        buckets = (0...self.bounds.count).map { _ in Counter() }
    }

    /// Counts one observation; NaN is none.
    public func observe(_ value: Double) {
        guard !value.isNaN else { return }
        var index = 0
        while index < bounds.count, value > bounds[index] { index += 1 }
        buckets[index].increment()
        sum.add(value)
    }

    /// Counts one observation of time, in seconds.
    public func observe(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        observe(Double(seconds) + Double(attoseconds) * 1e-18)
    }

    /// Observations so far.
    public var count: UInt64 { buckets.reduce(0) { $0 + $1.value } }
    /// Their sum.
    public var total: Double { sum.value }
}

extension Histogram: Metric {
    static var type: MetricType { .histogram }

    func expose(name: String, labels: String, to text: inout MetricsText) {
        text.histogram(name, labels, bounds: bounds, counts: buckets.map(\.value), sum: total)
    }
}
