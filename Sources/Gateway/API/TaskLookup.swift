internal import Model
internal import NodeODM
internal import Observability
internal import Reactor
internal import Record

/// Finds a task for a client: in the mirror, else in the record.
final class TaskLookup: Sendable {
    let mirror: StatusMirror
    let store: TaskStore
    let fleet: Fleet
    let clock: any WorldClock
    /// Whether memory hears of what other programs change in the record.
    let isFollowing: @Sendable () -> Bool
    private let parsed = ParsedOptions()

    /// So long a record is waited for that memory could answer for.
    private static let patience = Duration.seconds(2)

    init(
        mirror: StatusMirror, store: TaskStore, fleet: Fleet, clock: any WorldClock,
        isFollowing: @escaping @Sendable () -> Bool = { true }
    ) {
        self.isFollowing = isFollowing
        self.mirror = mirror
        self.store = store
        self.fleet = fleet
        self.clock = clock
    }

    /// The snapshot of a task that the caller may see.
    /// - Throws: `refused` with NodeODM's "not found"; `noAnswer` where nobody can tell because the database is away: PyODM
    ///   retries a broken connection, and any answer would fail the task (rules: *Database away*).
    func task(_ id: TaskID, for caller: Caller) async throws(APIError) -> MirroredTask {
        try await read(id, for: caller) { copy $0 }
    }

    /// What the snapshot of a task says that the caller may see, without a copy of it where memory has it.
    /// - Throws: as `task`.
    func read<Answer: Sendable>(
        _ id: TaskID, for caller: Caller, _ read: (borrowing MirroredTask) -> Answer
    ) async throws(APIError) -> Answer {
        if !isFollowing() { await catchUp(id) }
        switch known(id, for: caller, at: clock.monotonic(), read) {
        case .some(.some(let answer)): return answer
        case .some(.none): throw .unknownTask(id.string)
        case .none: return read(try await recorded(id, for: caller))
        }
    }

    /// The same where memory knows the task and may answer for it; nil where it doesn't, or where there is an error to tell.
    func readAtOnce<Answer: Sendable>(
        _ id: TaskID, for caller: Caller, at now: MonotonicTime, _ read: (borrowing MirroredTask) -> Answer
    ) -> Answer? {
        isFollowing() ? known(id, for: caller, at: now, read) ?? nil : nil
    }

    /// - Returns: nil for a task that memory doesn't have, nil within for one that the caller may not see.
    private func known<Answer: Sendable>(
        _ id: TaskID, for caller: Caller, at now: MonotonicTime, _ read: (borrowing MirroredTask) -> Answer
    ) -> Answer?? {
        mirror.asked(id, at: now) { task in
            task.isVisible && caller.scope.includes(task.record.owner) ? read(task) : nil
        }
    }

    /// What the record says now is taken over; if it says nothing in time, memory answers as it is.
    private func catchUp(_ id: TaskID) async {
        let (store, clock) = (store, clock)
        let found = await withTaskGroup(of: TaskRecord??.self) { group in
            group.addTask { .some(try? await store.record(of: id)) }
            group.addTask {
                try? await clock.sleep(for: Self.patience)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        guard case .some(let record?) = found else { return }
        if record.intent == .remove {
            mirror.remove(id)
        } else if mirror.task(id) != nil {
            mirror.replace(snapshot(of: record))
        }
    }

    private func recorded(_ id: TaskID, for caller: Caller) async throws(APIError) -> MirroredTask {
        guard let record = try await record(of: id, for: caller), record.isCommitted, record.intent != .remove else {
            throw .unknownTask(id.string)
        }
        let task = snapshot(of: record)
        mirror.putIfNewer(task)
        return task
    }

    /// The same for what only a finished task has: where memory says that it isn't over, the record is asked.
    ///
    /// Another program on the same record may have seen its end already (rules: *Mirror and replicas*).
    /// - Throws: as ``read(_:for:_:)``.
    func readSettled<Answer: Sendable>(
        _ id: TaskID, for caller: Caller, _ read: (borrowing MirroredTask) -> Answer
    ) async throws(APIError) -> Answer {
        let (answer, isFinal) = try await self.read(id, for: caller) { task in (read(task), task.record.state.isFinal) }
        guard !isFinal else { return answer }
        guard let record = try await record(of: id, for: caller) else { throw .unknownTask(id.string) }
        mirror.replace(snapshot(of: record))
        return try await self.read(id, for: caller, read)
    }

    /// The same where memory knows that the task is over; nil where it doesn't, or where there is an error to tell.
    func readSettledAtOnce<Answer: Sendable>(
        _ id: TaskID, for caller: Caller, _ read: (borrowing MirroredTask) -> Answer
    ) -> Answer? {
        readAtOnce(id, for: caller, at: clock.monotonic()) { task in
            task.record.state.isFinal ? read(task) : nil
        } ?? nil
    }

    /// A snapshot of a row, with the options as info shows them.
    func snapshot(of record: TaskRecord) -> MirroredTask {
        let known = parsed.parsed(record.options, skipsPostProcessing: record.skipPostProcessing, fleet)
        var record = record
        record.options = known.text
        return MirroredTask(record, options: known.options, now: clock.monotonic())
    }

    /// Takes over what backends have or are being sent: so much a start has to know before it answers. What waits is read by the
    /// record's follower, and until then here when somebody asks.
    func takeOver() async throws(RecordError) {
        for record in try await store.live() where record.intent != .remove { mirror.put(snapshot(of: record)) }
    }

    /// Whether an attempt is the one whose results its task has now; memory follows the record where it isn't.
    /// - Returns: false also where the record can't be asked.
    func isOwner(_ attempt: Attempt) async -> Bool {
        guard let record = try? await store.record(of: attempt.task) else { return false }
        if record.attempt?.attempt.number == attempt.number, record.state == .completed { return true }
        mirror.replace(snapshot(of: record))
        return false
    }

    /// Notes that the owner of an ended task no longer has what it made: it stays completed, and its history says so.
    func notePurge(of attempt: Attempt) async {
        let key = AttemptKey(task: attempt.task, number: attempt.number)
        let reason = "\(attempt.backend) no longer has the results"
        guard (try? await store.noteCopyGone(key, reason: reason, at: clock.timestamp)) == true,
            let record = try? await store.record(of: attempt.task), record.intent != .remove
        else { return }
        mirror.replace(snapshot(of: record))
    }

    /// The console lines that a client asks for.
    /// - Throws: `noAnswer` where older lines are in a database that is away.
    func lines(_ window: OutputWindow, of task: MirroredTask) async throws(APIError) -> [String] {
        try await lines(in: window.range(of: task.tail.end), of: task)
    }

    /// The console lines of these numbers.
    /// - Throws: as ``lines(_:of:)``.
    func lines(in range: Range<Int>, of task: MirroredTask) async throws(APIError) -> [String] {
        if let lines = task.tail.lines(in: range) { return Array(lines) }
        let olderEnd = min(task.tail.first, range.upperBound)
        let older: [String]
        do throws(RecordError) {
            older = try await store.output(
                of: task.record.id, from: range.lowerBound, limit: olderEnd - range.lowerBound)
        } catch {
            throw .noAnswer
        }
        if older.count == olderEnd - range.lowerBound {
            let last = Array(older.suffix(OutputTail.maximumLines))
            mirror.recall(last, endingAt: olderEnd, of: task.record.id, run: task.record.run)
        }
        return older + (task.tail.lines(in: olderEnd..<range.upperBound).map(Array.init) ?? [])
    }

    private func record(of id: TaskID, for caller: Caller) async throws(APIError) -> TaskRecord? {
        do throws(RecordError) {
            let record = try await store.record(of: id, for: caller.scope)
            mirror.answersFromRecord.increment()
            return record
        } catch {
            mirror.answersWithheld.increment()
            throw .noAnswer
        }
    }
}
