internal import Observability
internal import Reactor
import Synchronization

/// How long the database takes for each statement.
final class DatabaseMetrics: Sendable {
    private let durations: MetricFamily<Histogram>
    /// Statements' names are constants of the program.
    private let known = Mutex<[String: Histogram]>([:])

    private static let bounds = [0.0005, 0.002, 0.01, 0.05, 0.25, 1, 5, 25]

    init(_ registry: MetricsRegistry) {
        durations = registry.histograms(
            "scaleodm_database_request_duration_seconds",
            help: "How long statements took, the wait for a connection included; `transaction` is all of one.",
            labels: "statement", bounds: Self.bounds)
    }

    /// Counts one run of a statement that began at a moment and has just ended.
    func note(_ statement: String, since begin: MonotonicTime) {
        let duration = MonotonicTime.now() - begin
        let histogram = known.withLock { known in
            if let histogram = known[statement] { return histogram }
            let made = durations.child(statement)
            known[statement] = made
            return made
        }
        histogram.observe(duration)
    }
}
