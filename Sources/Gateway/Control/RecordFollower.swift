internal import Model
internal import Reactor
internal import Record
import Synchronization

/// Follows the record: what changes there, by whomever, is shown in the mirror.
///
/// This program's own transitions are shown by those who make them, and are passed over here. What is left is what another
/// program changed, and what couldn't be read back right after it was written, because the database had gone away.
struct RecordFollower: Service {
    let name = "record"
    let parts: DispatchParts

    /// Time for whoever made a change to show it himself.
    private static let patience = Duration.milliseconds(200)

    func run() async throws {
        let (behind, wake) = (Behind(), WakeUp())
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask {
                for await _ in wake.wakeUps() {
                    try await parts.clock.sleep(for: Self.patience)
                    for (id, revision) in behind.take() where isBehind(id, revision) { try await show(id) }
                }
            }
            for await change in parts.store.changes() {
                try Task.checkCancellation()
                switch change {
                case .reset: try await startAfresh()
                case .changed(let id, let revision):
                    guard isBehind(id, revision) else { continue }
                    behind.note(id, revision)
                    wake.wake()
                }
            }
            try await parts.clock.untilCancelled()
        }
    }

    private func isBehind(_ id: TaskID, _ revision: Int64) -> Bool {
        parts.mirror.task(id).map { $0.record.revision < revision } ?? false
    }

    private func show(_ id: TaskID) async throws {
        let (record, _) = try await parts.durable.run { () throws(RecordError) in try await parts.store.record(of: id) }
        guard let record, record.intent != .remove else { return parts.mirror.remove(id) }
        parts.mirror.replace(parts.lookup.snapshot(of: record))
    }

    /// Changes may have been missed: what isn't over is read again, the rest when somebody asks.
    private func startAfresh() async throws {
        let (unfinished, _) = try await parts.durable.run { () throws(RecordError) in
            try await parts.store.unfinished()
        }
        var rest = Set(parts.mirror.forgetFinished())
        for record in unfinished {
            rest.remove(record.id)
            if record.intent == .remove {
                parts.mirror.remove(record.id)
            } else {
                parts.mirror.replace(parts.lookup.snapshot(of: record))
            }
        }
        for id in rest { try await show(id) }
    }
}

/// What the record is known to have changed since memory last read it.
private final class Behind: Sendable {
    private let revisions = Mutex<[TaskID: Int64]>([:])

    func note(_ id: TaskID, _ revision: Int64) { revisions.withLock { $0[id] = max($0[id] ?? 0, revision) } }
    func take() -> [TaskID: Int64] { revisions.withLock { $0.take() } }
}

extension Dictionary {
    fileprivate mutating func take() -> Self {
        defer { self = [:] }
        return self
    }
}
