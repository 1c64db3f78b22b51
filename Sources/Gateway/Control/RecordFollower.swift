internal import Model
internal import Reactor
internal import Record
import Synchronization

/// Follows the record: what changes there, by whomever, is shown in the mirror, and those who act on it are told.
///
/// This program's own transitions are shown by those who make them, and are passed over here. What is left is what another
/// program changed, and what couldn't be read back right after it was written, because the database had gone away.
struct RecordFollower: Service {
    let name = "record"
    let parts: DispatchParts
    /// Told of each task that another program has changed; without a record where it is gone, or being removed.
    var onChange: @Sendable (TaskID, TaskRecord?) async -> Void = { _, _ in }

    /// Rows in memory at once, where all that waits is read.
    var page = 1000

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
                case .reset:
                    parts.changes.noteMissed()
                    try await startAfresh()
                case .changed(let id, let revision):
                    parts.changes.note(id, revision: revision)
                    guard isBehind(id, revision) else { continue }
                    behind.note(id, revision)
                    wake.wake()
                    // Whoever decides reads the record itself, and needn't wait until memory shows it.
                    if !parts.duties.isAlone { parts.placement.wake() }
                }
            }
            try await parts.clock.untilCancelled()
        }
    }

    /// What memory doesn't have may be another program's new task.
    private func isBehind(_ id: TaskID, _ revision: Int64) -> Bool {
        parts.mirror.task(id).map { $0.record.revision < revision } ?? !parts.duties.isAlone
    }

    private func show(_ id: TaskID) async throws {
        let (record, _) = try await parts.durable.run { () throws(RecordError) in try await parts.store.record(of: id) }
        await show(id, record)
    }

    private func show(_ id: TaskID, _ record: TaskRecord?) async {
        let old = parts.mirror.task(id)
        guard let record, record.intent != .remove else {
            parts.mirror.remove(id)
            return await onChange(id, nil)
        }
        // What is over is read when somebody asks; an upload isn't known to polls.
        if old != nil || record.isCommitted && !record.state.isFinal {
            parts.mirror.replace(parts.lookup.snapshot(of: record))
        }
        if let old { noteFreedSlot(old.record, record) }
        await onChange(id, record)
    }

    /// A task that another gateway saw end has freed a slot of its backend.
    private func noteFreedSlot(_ old: TaskRecord, _ new: TaskRecord) {
        guard !parts.duties.isAlone, old.state == .placed, let attempt = old.attempt,
            new.state != .placed || new.attempt?.key != attempt.key, new.revision > old.revision
        else { return }
        parts.fleet.change(attempt.backend) { $0.endedSinceRead += 1 }
        parts.placement.wake()
    }

    /// Changes may have been missed: what isn't over is read again, the rest when somebody asks.
    ///
    /// Changes that are made meanwhile are told afterwards: whoever finds an older row here than they left follows them then.
    private func startAfresh() async throws {
        let epoch = parts.store.changesEpoch
        var rest = Set(parts.mirror.forgetFinished())
        let (live, _) = try await parts.durable.run { () throws(RecordError) in try await parts.store.live() }
        for record in live {
            rest.remove(record.id)
            await show(record.id, record)
        }
        var place: QueuePlace?
        while true {
            let from = place
            let (rows, _) = try await parts.durable.run { () throws(RecordError) in
                try await parts.store.waiting(after: from, limit: page)
            }
            for record in rows {
                rest.remove(record.id)
                await show(record.id, record)
            }
            guard let next = rows.last.flatMap({ QueuePlace($0) }) else { break }
            place = next
        }
        for id in rest { try await show(id) }
        parts.following.caughtUp(epoch)
        if !parts.duties.isAlone { parts.placement.wake() }
    }
}

/// Whether memory hears of every change of the record: not while the connection that listens is broken, nor until all was
/// read again once it is back (rules: *Mirror and replicas*).
final class Following: Sendable {
    private let epoch = Atomic<UInt64>(0)

    /// All that isn't over was read since this epoch began.
    func caughtUp(_ epoch: UInt64) { self.epoch.store(epoch, ordering: .releasing) }

    /// - Parameter now: the record's epoch; odd while changes are heard.
    /// - Returns: false also before everything was read for the first time.
    func isTrue(at now: UInt64) -> Bool { !now.isMultiple(of: 2) && epoch.load(ordering: .acquiring) == now }
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
