internal import Observability
import Synchronization

/// Spans on their way to the collector: so many and no more, so that nobody ever waits for it.
final class SpanQueue: Sendable {
    private struct State {
        var spans: [Span] = []
    }

    private let state = Mutex(State())
    private let metrics: GatewayMetrics
    /// Wakes who exports.
    let wake = WakeUp()

    static let limit = 2048
    static let batch = 512

    init(metrics: GatewayMetrics) { self.metrics = metrics }

    /// Takes a span, or drops it where too many wait; from any thread.
    func add(_ span: Span) {
        guard span.context.isSampled else { return }
        let count = state.withLock { state -> Int? in
            guard state.spans.count < Self.limit else { return nil }
            state.spans.append(span)
            return state.spans.count
        }
        guard let count else { return metrics.noteSpans(.dropped, 1) }
        if count % Self.batch == 0 { wake.wake() }
    }

    /// Takes some out, the oldest first.
    func take() -> [Span] {
        state.withLock { state in
            let taken = Array(state.spans.prefix(Self.batch))
            state.spans.removeFirst(taken.count)
            return taken
        }
    }

    /// Counts spans that were taken out.
    func note(_ outcome: GatewayMetrics.SpanOutcome, _ count: Int) { metrics.noteSpans(outcome, count) }
}
