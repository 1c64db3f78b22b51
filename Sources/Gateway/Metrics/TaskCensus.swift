internal import Model
internal import Observability
internal import Reactor
internal import Record
import Synchronization

/// How many tasks there are, and what their inputs take: asked of the record by a scrape, though never often.
///
/// The record counts all of its tasks for that, which takes a tenth of a second where there are a hundred thousand. So it is
/// asked at most every `shortest`, and never for more than a twentieth of the time; in between the last answer stands.
final class TaskCensus: Sendable {
    private struct State {
        var counts: [TaskTally] = []
        var uploads = ByteCount(0)
        var webhooks: Int?
        var next: MonotonicTime?
        var isAsking = false
    }

    private let state = Mutex(State())
    private static let shortest = Duration.seconds(1)
    /// So long a scrape waits for a new answer.
    private static let patience = Duration.seconds(2)

    init(_ registry: MetricsRegistry) {
        registry.samples(
            "scaleodm_tasks", help: "Tasks in the record, by state and by the backend of their current attempt.",
            .gauge, labels: "state", "backend"
        ) { [self] samples in
            for entry in state.withLock({ $0.counts }) {
                samples.add(entry.tasks, entry.state.rawValue, entry.backend?.string ?? "")
            }
        }
        registry.samples(
            "scaleodm_storage_bytes", help: "What is stored: inputs of committed tasks, and uploads without a commit.",
            .gauge, labels: "kind"
        ) { [self] samples in
            let (counts, uploads, next) = state.withLock { ($0.counts, $0.uploads, $0.next) }
            guard next != nil else { return }
            samples.add(counts.reduce(0) { $0 + $1.storedInputs.bytes }, "inputs")
            samples.add(uploads.bytes, "uploads")
        }
        addBacklog(to: registry)
    }

    private func addBacklog(to registry: MetricsRegistry) {
        registry.samples(
            "scaleodm_webhook_backlog", help: "Webhooks in the record that are still to be delivered.", .gauge
        ) { [self] samples in if let count = state.withLock({ $0.webhooks }) { samples.add(count) } }
    }

    /// How many tasks are in each state, as last asked.
    var byState: [TaskState: Int] {
        state.withLock { state in
            state.counts.reduce(into: [:]) { sums, entry in sums[entry.state, default: 0] += entry.tasks }
        }
    }

    /// Asks the record where that is due, and waits for its answer for a while.
    func renew(from store: TaskStore, on loop: EventLoop) async {
        let begin = MonotonicTime.now()
        let isDue = state.withLock { state in
            guard !state.isAsking, state.next.map({ $0 <= begin }) ?? true else { return false }
            state.isAsking = true
            return true
        }
        guard isDue else { return }
        // Not ended when the scrape has waited long enough: the next one has its answer.
        let asking = Task(executorPreference: loop) { [self] in
            let counts = try? await store.tallies()
            let uploads = try? await store.uploadedBytes()
            let webhooks = try? await store.webhookBacklog()
            let now = MonotonicTime.now()
            state.withLock { state in
                state.isAsking = false
                state.next = now + max(Self.shortest, (now - begin) * 20)
                if let counts { state.counts = counts }
                if let uploads { state.uploads = uploads }
                if let webhooks { state.webhooks = webhooks }
            }
        }
        _ = await TimeLimit.run(Self.patience, on: loop) { await asking.value }
    }
}
