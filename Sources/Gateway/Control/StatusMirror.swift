internal import Model
internal import NodeODM
internal import Reactor
internal import Record
import Synchronization

/// The last known status of every unfinished task, and of the finished ones that clients ask about.
///
/// Polls are answered from here on any loop without a hop, and never by a call to a backend. Unfinished tasks stay;
/// finished ones go, least recently asked first, when there are too many, and are read from the record again.
final class StatusMirror: Sendable {
    private final class Shard: Sendable {
        let tasks = Mutex<[String: MirroredTask]>([:])
    }

    /// What is kept about all tasks together.
    private struct Totals {
        var unfinished: [String?: Int] = [:]
        var watched: [BackendName: Set<TaskID>] = [:]
    }

    private let shards = (0..<64).map { _ in Shard() }
    private let totals = Mutex(Totals())
    /// Finished tasks kept at most; a snapshot takes about 2 KiB and its lines up to 64.
    private let finishedLimit: Int

    /// - Parameter finishedLimit: finished tasks that are kept in memory.
    init(finishedLimit: Int = 2000) { self.finishedLimit = finishedLimit }

    private func shard(of id: TaskID) -> Shard {
        var hash: UInt32 = 2_166_136_261  // FNV-1a: spreads UUIDs well and needs no hasher
        for byte in id.key.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        return shards[Int(hash % UInt32(shards.count))]
    }

    // MARK: Reading

    /// The snapshot of a task; nil where memory doesn't have it.
    func task(_ id: TaskID) -> MirroredTask? { shard(of: id).tasks.withLock { $0[id.key] } }

    /// The snapshot for an answer to a client.
    /// - Parameters:
    ///   - id: the task.
    ///   - now: noted as the last time that somebody asked.
    /// - Returns: nil where memory doesn't have the task.
    func asked(_ id: TaskID, at now: MonotonicTime) -> MirroredTask? {
        shard(of: id).tasks.withLock { tasks in
            tasks[id.key]?.lastAsked = now
            return tasks[id.key]
        }
    }

    /// Unfinished tasks that a caller may see.
    func unfinishedCount(in scope: OwnerScope) -> Int {
        totals.withLock { totals in
            switch scope {
            case .everything: totals.unfinished.values.reduce(0, +)
            case .owner(let owner): totals.unfinished[owner] ?? 0
            }
        }
    }

    /// The tasks that a backend is to be asked about.
    func watched(on backend: BackendName) -> Set<TaskID> { totals.withLock { $0.watched[backend] ?? [] } }

    // MARK: Writing

    /// Puts a snapshot in, in place of an older one.
    func put(_ task: MirroredTask) {
        let old = shard(of: task.record.id).tasks.withLock { $0.updateValue(task, forKey: task.record.id.key) }
        account(from: old, to: task)
    }

    /// Puts a snapshot in unless a newer one is there already; for what was read from the record.
    func putIfNewer(_ task: MirroredTask) {
        let id = task.record.id
        var old: MirroredTask?
        let isNewer = shard(of: id).tasks.withLock { tasks in
            old = tasks[id.key]
            if let old, old.record.revision >= task.record.revision { return false }
            tasks[id.key] = task
            return true
        }
        if isNewer { account(from: old, to: task) }
    }

    /// Changes a snapshot in place and composes its answer anew.
    /// - Returns: the snapshot after the change; nil where memory doesn't have the task.
    @discardableResult
    func change(_ id: TaskID, _ body: (inout MirroredTask) -> Void) -> MirroredTask? {
        var old: MirroredTask?
        let new = shard(of: id).tasks.withLock { tasks -> MirroredTask? in
            guard var task = tasks[id.key] else { return nil }
            old = task
            body(&task)
            task.compose()
            tasks[id.key] = task
            return task
        }
        if let new { account(from: old, to: new) }
        return new
    }

    /// Forgets a task.
    func remove(_ id: TaskID) {
        let old = shard(of: id).tasks.withLock { $0.removeValue(forKey: id.key) }
        account(from: old, to: nil)
    }

    /// Drops finished tasks that nobody asked about lately, down to the limit.
    func trim() {
        var finished: [(asked: MonotonicTime, id: TaskID)] = []
        for shard in shards {
            shard.tasks.withLock { tasks in
                for task in tasks.values where task.record.state.isFinal && task.tail.unsaved.isEmpty {
                    finished.append((task.lastAsked, task.record.id))
                }
            }
        }
        guard finished.count > finishedLimit else { return }
        finished.sort { $0.asked < $1.asked }
        for entry in finished.prefix(finished.count - finishedLimit) { remove(entry.id) }
    }

    private func account(from old: MirroredTask?, to new: MirroredTask?) {
        let watchedBefore = old.flatMap(Self.watcher)
        let watchedAfter = new.flatMap(Self.watcher)
        let isCountedBefore = old?.isUnfinished ?? false
        let isCountedAfter = new?.isUnfinished ?? false
        guard isCountedBefore != isCountedAfter || watchedBefore != watchedAfter else { return }
        totals.withLock { totals in
            if isCountedBefore, let old { totals.unfinished[old.record.owner, default: 0] -= 1 }
            if isCountedAfter, let new { totals.unfinished[new.record.owner, default: 0] += 1 }
            if let watchedBefore, let old { totals.watched[watchedBefore]?.remove(old.record.id) }
            if let watchedAfter, let new { totals.watched[watchedAfter, default: []].insert(new.record.id) }
        }
    }

    /// The backend that is to be asked about a task.
    private static func watcher(of task: MirroredTask) -> BackendName? {
        task.isWatched ? task.record.attempt?.backend : nil
    }
}

extension StatusMirror {
    /// Takes a snapshot over that was made anew, such as after a restart with other options; what clients asked for stays.
    func replace(_ snapshot: MirroredTask) {
        guard let old = task(snapshot.record.id) else { return put(snapshot) }
        guard snapshot.record.revision >= old.record.revision else { return }
        var new = snapshot
        if snapshot.record.run == old.record.run { new.tail = old.tail }
        new.lastAsked = old.lastAsked
        put(new)
    }
}
