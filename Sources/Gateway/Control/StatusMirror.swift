internal import Model
internal import NodeODM
internal import Observability
internal import Reactor
internal import Record
import Synchronization

/// The last known status of every unfinished task, and of the finished ones that clients ask about.
///
/// Polls are answered from here on any loop without a hop, and never by a call to a backend. Unfinished tasks stay;
/// finished ones go, least recently asked first, when there are too many, and are read from the record again. So are
/// console lines, when all tasks' lines together take more than their budget.
final class StatusMirror: Sendable {
    /// A snapshot in an object: many tasks may wait, and the free room of a table costs a reference an entry then.
    private final class Entry {
        var task: MirroredTask
        init(_ task: MirroredTask) { self.task = task }
    }

    private final class Shard: Sendable {
        let tasks = Mutex<[String: Entry]>([:])
        /// Answers from here. Beside the mutex, which whoever counts has just taken: nobody else's cache line.
        let answers = Atomic<UInt64>(0)
    }

    /// What is known about all tasks together; changed only while the changed task's shard is locked.
    private struct Totals {
        var unfinished: [String?: Int] = [:]
        var finished = 0
        var waiting = 0
        var standing = Standing()
        var ends = Ends()
        var tailBytes = 0
        /// How much of that the record has too.
        var savedBytes = 0
        var watched: [BackendName: Set<TaskID>] = [:]
        /// Those of them that are to be read at once.
        var urgent: [BackendName: Set<TaskID>] = [:]
        var signals: [BackendName: WakeUp] = [:]
    }

    /// Where the unfinished tasks are.
    struct Standing: Sendable, Equatable {
        /// Without a backend.
        var waiting = 0
        /// A backend has them, or is being sent them.
        var running = 0
    }

    /// Tasks that ended while they were here, whoever saw it.
    struct Ends: Sendable, Equatable {
        var completed = 0
        var failed = 0
    }

    private let shards = (0..<64).map { _ in Shard() }
    private let totals = Mutex(Totals())
    private let isTrimming = Mutex(())
    /// Finished tasks kept at most; a snapshot takes some KiB.
    private let finishedLimit: Int
    /// What the console lines of all tasks may take.
    private let tailBudget: Int

    /// Whether what is dropped could be read again now.
    private let mayForget: @Sendable () -> Bool
    /// How long an end isn't shown yet.
    private let endDelay: @Sendable () -> Duration
    /// Told of what memory alone knows: a task's progress, and which backends it comes to and leaves.
    private let changes: LiveChanges?

    /// - Parameters:
    ///   - finishedLimit: finished tasks that are kept in memory.
    ///   - tailBudget: bytes that the console lines of all tasks may take.
    ///   - mayForget: false while the database is away, when polls are answered from memory alone.
    ///   - endDelay: how long an end isn't shown yet, so that other gateways know of it too.
    ///   - changes: told of what changes in memory alone.
    init(
        finishedLimit: Int = 2000, tailBudget: Int = 64 << 20, mayForget: @escaping @Sendable () -> Bool = { true },
        endDelay: @escaping @Sendable () -> Duration = { .zero }, changes: LiveChanges? = nil
    ) {
        self.changes = changes
        self.finishedLimit = finishedLimit
        self.tailBudget = tailBudget
        self.mayForget = mayForget
        self.endDelay = endDelay
    }

    private func shard(of id: TaskID) -> Shard {
        var hash: UInt32 = 2_166_136_261  // FNV-1a: spreads UUIDs well and needs no hasher
        var key = id.key
        key.withUTF8 { for byte in $0 { hash = (hash ^ UInt32(byte)) &* 16_777_619 } }
        return shards[Int(hash % UInt32(shards.count))]
    }

    // MARK: Reading

    /// The snapshot of a task; nil where memory doesn't have it.
    func task(_ id: TaskID) -> MirroredTask? { shard(of: id).tasks.withLock { $0[id.key]?.task } }

    /// Reads a snapshot for an answer to a client, in its place: a copy of a whole one costs more than an answer.
    /// - Parameters:
    ///   - id: the task.
    ///   - now: noted as the last time that somebody asked.
    ///   - read: runs under the shard's mutex, so it must only look.
    /// - Returns: nil where memory doesn't have the task.
    func asked<Answer: Sendable>(
        _ id: TaskID, at now: MonotonicTime, _ read: (borrowing MirroredTask) -> Answer
    ) -> Answer? {
        let shard = shard(of: id)
        return shard.tasks.withLock { tasks in
            guard let entry = tasks[id.key] else { return nil }
            shard.answers.wrappingAdd(1, ordering: .relaxed)
            return note(&entry.task, now, read)
        }
    }

    /// How often a client's question was answered from memory.
    var answers: UInt64 { shards.reduce(0) { $0 &+ $1.answers.load(ordering: .relaxed) } }
    /// How often the record had to be asked for such an answer.
    let answersFromRecord = Counter()
    /// How often neither had one, because the database was away.
    let answersWithheld = Counter()

    private func note<Answer>(
        _ task: inout MirroredTask, _ now: MonotonicTime, _ read: (borrowing MirroredTask) -> Answer
    ) -> Answer {
        let silence = now - task.lastAsked
        task.lastAsked = now
        task.prepareAnswer()
        // It was read seldom until now.
        if silence >= ReadingPolicy.quietAfter, let backend = Self.watcher(of: task) {
            let id = task.record.id
            totals.withLock { Self.makeUrgent(id, on: backend, &$0) }
        }
        return read(task)
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

    /// Whether tasks wait in the queue because no backend has a free slot.
    var hasWaiting: Bool { totals.withLock { $0.waiting > 0 } }

    /// Where the unfinished tasks are.
    var standing: Standing { totals.withLock { $0.standing } }

    /// Tasks that have ended since the start.
    var ends: Ends { totals.withLock { $0.ends } }

    /// The tasks that a backend is to be asked about.
    func watched(on backend: BackendName) -> Set<TaskID> { totals.withLock { $0.watched[backend] ?? [] } }

    /// What the console lines of all tasks take, in bytes.
    var tailBytes: Int { totals.withLock { $0.tailBytes } }

    /// Whether lines that the record doesn't take fill memory: no more are to be brought in.
    var isOverfull: Bool { tailBytes > 2 * tailBudget }

    // MARK: For those who read backends

    /// Registers whoever reads a backend from now on; all tasks there are new to it.
    /// - Returns: wakes it: a task is to be read at once, or tasks have begun to wait for a slot.
    func register(readerOf backend: BackendName) -> WakeUp {
        let signal = WakeUp()
        totals.withLock { totals in
            totals.signals[backend] = signal
            totals.urgent[backend] = totals.watched[backend]
        }
        return signal
    }

    /// Has whoever reads backends look up: what this gateway does for them may have changed.
    func wakeReaders() {
        totals.withLock { totals in for signal in totals.signals.values { signal.wake() } }
    }

    /// The tasks of a backend that are to be read at once, each given once: new ones, and those asked for again.
    func takeUrgent(on backend: BackendName) -> Set<TaskID> {
        totals.withLock { $0.urgent.removeValue(forKey: backend) ?? [] }
    }

    // MARK: Writing

    /// Changes what the mirror has of a task, alone.
    private func update(_ id: TaskID, _ body: (inout MirroredTask?) -> Void) {
        shard(of: id).tasks.withLock { tasks in
            let entry = tasks[id.key]
            let old = entry?.task
            var new = old
            body(&new)
            switch (entry, new) {
            case (let entry?, let new?): entry.task = new
            // Under the text that the snapshot has in any case.
            case (nil, let new?): tasks[new.record.id.key] = Entry(new)
            case (_, nil): tasks[id.key] = nil
            }
            account(from: old, to: new)
            if let changes, changes.isFollowed { Self.tell(changes, old, new) }
        }
    }

    /// Steps of the record are told by whoever follows it; what is only forgotten here has not changed.
    private static func tell(_ changes: LiveChanges, _ old: MirroredTask?, _ new: MirroredTask?) {
        let (before, after) = (old.flatMap(watcher), new.flatMap(watcher))
        if before != after { for name in [before, after].compactMap({ $0 }) { changes.note(name) } }
        guard let old = old?.record, let new = new?.record else { return }
        guard old.progress != new.progress || old.ownerCode != new.ownerCode else { return }
        changes.note(new.id)
    }

    /// Puts a snapshot in, in place of an older one.
    func put(_ task: MirroredTask) { update(task.record.id) { $0 = task } }

    /// Puts a snapshot in unless a newer one is there already; for what was read from the record.
    func putIfNewer(_ task: MirroredTask) {
        update(task.record.id) { current in
            if let current, current.record.revision >= task.record.revision { return }
            current = task
        }
        trimIfFull()
    }

    /// Takes a snapshot over that was made anew from the record; what is newer in memory stays.
    func replace(_ snapshot: MirroredTask) {
        let delay = endDelay()
        update(snapshot.record.id) { current in
            guard let old = current else {
                current = snapshot
                return
            }
            guard snapshot.record.revision >= old.record.revision else { return }
            current = snapshot.following(old, endDelay: delay)
        }
    }

    /// Changes a snapshot in place and composes its answer anew where the record's part changed.
    /// - Returns: the snapshot after the change; nil where memory doesn't have the task.
    @discardableResult
    func change(_ id: TaskID, _ body: (inout MirroredTask) -> Void) -> MirroredTask? {
        var changed: MirroredTask?
        update(id) { current in
            guard let old = current, var task = current else { return }
            body(&task)
            if task.record != old.record { task.renewAnswer() }
            current = task
            changed = task
        }
        trimIfFull()
        return changed
    }

    /// Keeps console lines that were read from the record for a client.
    func recall(_ lines: [String], endingAt end: Int, of id: TaskID, run: Int) {
        update(id) { current in
            guard current?.record.run == run else { return }
            current?.tail.recall(lines, endingAt: end)
        }
        trimIfFull()
    }

    /// Forgets the finished tasks: they are read again when somebody asks.
    /// - Returns: the tasks that stay.
    func forgetFinished() -> [TaskID] {
        for entry in oldest({ $0.record.state.isFinal && $0.tail.unsaved.isEmpty ? 1 : nil }) { remove(entry.id) }
        return oldest({ _ in 1 }).map(\.id)
    }

    /// Forgets a task.
    func remove(_ id: TaskID) { update(id) { $0 = nil } }

    private func account(from old: MirroredTask?, to new: MirroredTask?) {
        totals.withLock { totals in
            if let old { Self.count(old, -1, &totals) }
            if let new { Self.count(new, 1, &totals) }
            Self.countEnd(old, new, &totals)
            let before = old.flatMap(Self.watcher)
            let after = new.flatMap(Self.watcher)
            guard let id = new?.record.id ?? old?.record.id, before != after else { return }
            if let before {
                totals.watched[before]?.remove(id)
                totals.urgent[before]?.remove(id)
            }
            if let after {
                totals.watched[after, default: []].insert(id)
                Self.makeUrgent(id, on: after, &totals)
            }
        }
    }

    private static func countEnd(_ old: MirroredTask?, _ new: MirroredTask?, _ totals: inout Totals) {
        guard let old, let new, !old.record.state.isFinal else { return }
        if new.record.state == .completed { totals.ends.completed += 1 }
        if new.record.state == .failed { totals.ends.failed += 1 }
    }

    private static func count(_ task: MirroredTask, _ sign: Int, _ totals: inout Totals) {
        totals.tailBytes += sign * task.tail.footprint
        totals.savedBytes += sign * task.tail.savedFootprint
        if task.isUnfinished {
            totals.unfinished[task.record.owner, default: 0] += sign
            if task.hasBackend { totals.standing.running += sign } else { totals.standing.waiting += sign }
        }
        if task.record.state.isFinal { totals.finished += sign }
        guard task.isWaiting else { return }
        totals.waiting += sign
        if totals.waiting == 1, sign > 0 { for signal in totals.signals.values { signal.wake() } }
    }

    private static func makeUrgent(_ id: TaskID, on backend: BackendName, _ totals: inout Totals) {
        totals.urgent[backend, default: []].insert(id)
        totals.signals[backend]?.wake()
    }

    /// The backend that is to be asked about a task.
    private static func watcher(of task: MirroredTask) -> BackendName? {
        task.isWatched ? task.record.attempt?.backend : nil
    }

    // MARK: Bounds

    /// Keeps memory within its bounds: called where it grows, and costs nothing until then.
    private func trimIfFull() {
        // Some above the limit, so that one look at everything serves many additions.
        let most = finishedLimit + finishedLimit / 4
        let isFull = totals.withLock { totals in
            totals.finished > most || totals.tailBytes > tailBudget && totals.savedBytes > tailBudget / 8
        }
        guard isFull, mayForget() else { return }
        // Whoever comes second finds it done, or leaves it to the first.
        _ = isTrimming.withLockIfAvailable { _ in
            trimFinished()
            trimTails()
        }
    }

    /// Drops finished tasks that nobody asked about lately, down to the limit.
    private func trimFinished() {
        guard totals.withLock({ $0.finished }) > finishedLimit else { return }
        let finished = oldest { $0.record.state.isFinal && $0.tail.unsaved.isEmpty ? 1 : nil }
        for entry in finished.dropLast(finishedLimit) { remove(entry.id) }
    }

    /// Drops console lines that the record has, of tasks that nobody asked about lately, down to three quarters of the budget.
    private func trimTails() {
        var bytes = totals.withLock { $0.tailBytes }
        guard bytes > tailBudget else { return }
        for entry in oldest({ $0.tail.savedFootprint > 0 ? $0.tail.savedFootprint : nil }) {
            guard bytes > tailBudget / 4 * 3 else { return }
            bytes -= entry.weight
            update(entry.id) { $0?.tail.dropSaved() }
        }
    }

    /// The tasks that have a weight, least recently asked for first.
    private func oldest(
        _ weight: (MirroredTask) -> Int?
    ) -> [(asked: MonotonicTime, id: TaskID, weight: Int)] {
        var found: [(asked: MonotonicTime, id: TaskID, weight: Int)] = []
        for shard in shards {
            shard.tasks.withLock { tasks in
                for entry in tasks.values {
                    guard let weight = weight(entry.task) else { continue }
                    found.append((entry.task.lastAsked, entry.task.record.id, weight))
                }
            }
        }
        return found.sorted { $0.asked < $1.asked }
    }
}
