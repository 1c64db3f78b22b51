internal import Backends
internal import Model
internal import Observability
internal import Record

/// What the gateway counts, under the names that dashboards and alerts know.
///
/// Every label is of a small closed set, or the name of a backend, a loop or a statement: never a task, a path or a message.
/// What is known elsewhere (backends, tasks, storage) is read by a scrape: see `FleetSamples`, `TaskCensus`.
final class GatewayMetrics: Sendable {
    /// All of it, to be exposed.
    let registry = MetricsRegistry()
    /// What backends are asked.
    let upstream: UpstreamMetrics
    /// What the database is asked.
    let database: DatabaseMetrics
    /// What the listeners answer.
    let listeners: ListenerMetrics
    /// What waits.
    let queue: QueueMetrics
    /// How many tasks there are.
    let census: TaskCensus
    private let transitions: MetricFamily<Counter>
    private let queueWait: Histogram
    private let taskDuration: MetricFamily<Histogram>
    private let placements: MetricFamily<Counter>
    private let dispatchFailures: MetricFamily<Counter>
    private let removed: MetricFamily<Counter>
    private let webhooks: MetricFamily<Counter>
    private let spans: MetricFamily<Counter>
    private let reloadSuccessful: Gauge
    private let reloadMoment: Gauge

    /// Seconds from a second to a day, for what takes long.
    private static let longTimes: [Double] = [1, 5, 15, 60, 300, 900, 3600, 3 * 3600, 8 * 3600, 24 * 3600]

    /// Nothing is counted yet.
    init(version: String = GatewayService.version) {
        registry.gauges("scaleodm_build_info", help: "Always 1; the label tells the version.", labels: "version")
            .child(version).set(1)
        reloadSuccessful = registry.gauge(
            "scaleodm_config_last_reload_successful",
            help: "Whether the inventory was last read without an error: 1, else 0.")
        reloadMoment = registry.gauge(
            "scaleodm_config_last_reload_success_timestamp_seconds",
            help: "When the inventory was last read without an error.")
        listeners = ListenerMetrics(registry)
        upstream = UpstreamMetrics(registry)
        database = DatabaseMetrics(registry)
        transitions = registry.counters(
            "scaleodm_task_transitions_total",
            help: "Steps of tasks from one state to another that this gateway made.", labels: "from", "to")
        queueWait = registry.histogram(
            "scaleodm_queue_wait_seconds", help: "From a task's commit to the choice of a backend.",
            bounds: Self.longTimes)
        taskDuration = registry.histograms(
            "scaleodm_task_duration_seconds", help: "From a backend's acceptance of a task to its end there.",
            labels: "backend", "outcome", bounds: Self.longTimes)
        placements = registry.counters(
            "scaleodm_placements_total", help: "Placements of tasks, by the policy's reason.", labels: "backend",
            "reason")
        dispatchFailures = registry.counters(
            "scaleodm_dispatch_failures_total", help: "Steps of placing a task on a backend that failed.",
            labels: "backend", "code")
        removed = registry.counters(
            "scaleodm_janitor_removed_bytes_total", help: "What retention removed from the storage.", labels: "kind")
        webhooks = registry.counters(
            "scaleodm_webhook_deliveries_total", help: "Tries to deliver a webhook.", labels: "outcome")
        spans = registry.counters(
            "scaleodm_trace_spans_total", help: "Spans of traces for the collector.", labels: "outcome")
        queue = QueueMetrics(registry)
        census = TaskCensus(registry)
        ProcessMetrics.add(to: registry)
        for outcome in WebhookOutcome.allCases { _ = webhooks.child(outcome.rawValue) }
        for kind in RemovedKind.allCases { _ = removed.child(kind.rawValue) }
        for outcome in SpanOutcome.allCases { _ = spans.child(outcome.rawValue) }
    }

    // MARK: The inventory

    /// The inventory was read anew.
    /// - Parameters:
    ///   - isSuccessful: whether it had no errors and is in use now.
    ///   - at: when.
    func noteReload(isSuccessful: Bool, at: Timestamp) {
        reloadSuccessful.set(isSuccessful ? 1 : 0)
        if isSuccessful { reloadMoment.set(Double(at.milliseconds) / 1000) }
    }

    // MARK: Tasks

    /// A task went from a state to another.
    func note(_ move: TaskMove) {
        transitions.child(move.from?.rawValue ?? "none", move.to?.rawValue ?? "none").increment()
        if move.from == .queued, move.to == .dispatching, let since = move.queuedAt {
            queueWait.observe(max(.zero, move.at - since))
        }
        if move.from == .placed, let end = move.to, end.isFinal, let since = move.acceptedAt {
            taskDuration.child(move.backend?.string ?? "", end.rawValue).observe(max(.zero, move.at - since))
        }
    }

    /// A task got a backend.
    func notePlacement(on backend: BackendName, _ reason: PlacementReason) {
        placements.child(backend.string, reason.rawValue).increment()
    }

    /// A step of a placement failed.
    func noteDispatchFailure(on backend: BackendName, _ code: BackendError.Code) {
        dispatchFailures.child(backend.string, code.rawValue).increment()
    }

    // MARK: Others

    /// What retention removed.
    enum RemovedKind: String, CaseIterable {
        /// Inputs of ended tasks.
        case inputs
        /// Files of uploads that nobody committed.
        case uploads
        /// Files that no record knew.
        case orphans
    }

    /// Retention removed something.
    func noteRemoved(_ kind: RemovedKind, _ bytes: ByteCount) {
        removed.child(kind.rawValue).increment(by: bytes.bytes)
    }

    /// How a try to deliver a webhook ended.
    enum WebhookOutcome: String, CaseIterable {
        /// It was taken.
        case delivered
        /// Its server answered, with something else than 2xx.
        case refused
        /// No answer came.
        case unreachable
        /// It was tried for a day, or its task is gone: it isn't tried any more.
        case givenUp = "given_up"
    }

    /// A try to deliver a webhook has ended.
    func noteWebhook(_ outcome: WebhookOutcome) { webhooks.child(outcome.rawValue).increment() }

    /// What became of a span.
    enum SpanOutcome: String, CaseIterable {
        /// The collector has it.
        case exported
        /// The queue was full, or the collector didn't take it.
        case dropped
    }

    /// Spans left the queue, or never got into it.
    func noteSpans(_ outcome: SpanOutcome, _ count: Int) { spans.child(outcome.rawValue).increment(by: count) }
}
