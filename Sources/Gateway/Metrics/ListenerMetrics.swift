internal import HTTPServer
internal import Observability
import Synchronization

/// The listeners that are scraped, with what each counts.
final class ListenerMetrics: Sendable {
    private struct Entry: Sendable {
        let metrics: HTTPMetrics
        let listener: HTTPListener?
    }

    private let entries = Mutex<[Entry]>([])

    /// Makes the families of HTTP, to which listeners are added.
    init(_ registry: MetricsRegistry) {
        registry.samples(
            "scaleodm_http_requests_total", help: "Requests answered; code 0 had no answer.", .counter,
            labels: "listener", "route", "method", "code"
        ) { [self] samples in for entry in all { entry.metrics.addRequests(to: &samples) } }
        registry.samples(
            "scaleodm_http_request_duration_seconds", help: "From a request's complete head to its answer's end.",
            .histogram, labels: "listener", "route"
        ) { [self] samples in for entry in all { entry.metrics.addDurations(to: &samples) } }
        registry.samples(
            "scaleodm_http_requests_in_flight", help: "Requests whose answer isn't done.", .gauge
        ) { [self] samples in samples.add(all.reduce(0) { $0 + ($1.listener?.requestsInFlight ?? 0) }) }
        registry.samples(
            "scaleodm_http_received_bytes_total", help: "Bytes of requests' bodies, counted at each request's end.",
            .counter
        ) { [self] samples in samples.add(all.reduce(UInt64(0)) { $0 &+ $1.metrics.received }) }
        registry.samples(
            "scaleodm_http_sent_bytes_total", help: "Bytes of answers' bodies, counted at each answer's end.", .counter
        ) { [self] samples in samples.add(all.reduce(UInt64(0)) { $0 &+ $1.metrics.sent }) }
    }

    /// Adds a listener.
    func add(_ metrics: HTTPMetrics, _ listener: HTTPListener?) {
        entries.withLock { $0.append(Entry(metrics: metrics, listener: listener)) }
    }

    /// What the listeners of a name have answered so far.
    func traffic(of name: String) -> Traffic {
        all.filter { $0.metrics.listener == name }.reduce(Traffic()) { $0 + $1.metrics.traffic }
    }

    private var all: [Entry] { entries.withLock { $0 } }
}
