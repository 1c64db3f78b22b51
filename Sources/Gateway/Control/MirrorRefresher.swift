internal import Backends
internal import Model
internal import NodeODM
internal import Observability
internal import Reactor
internal import Record

/// Keeps the mirror fresh: takes over what backends say of the tasks placed there, and records their ends.
///
/// A poll never waits for this: it shows what was last heard, whatever the backend does. `BackendReader` asks, each backend
/// in its own time; what the answers mean is decided here.
struct MirrorRefresher: Service {
    let name = "mirror"
    let parts: DispatchParts
    /// How often a task is read.
    let policy: ReadingPolicy
    /// Where the readers run.
    let loop: EventLoop

    /// The line between what a backend's own log had and what it has since it began anew.
    static let separator = "--- the backend started this task anew ---"
    /// From one question to the next about a task that its backend doesn't know.
    private static let missedPause = Duration.seconds(10)
    /// With so many bytes of lines that the record doesn't take, no more are asked for.
    private static let mostUnsaved = 1 << 20

    /// What is known of an attempt between two readings.
    struct Watch: Sendable {
        let key: AttemptKey
        /// How many lines of the backend's own log are read.
        var cursor: Int
        var lastProcessingTime: Int64 = -1
        /// Whether the last question asked for lines too.
        var asksForLines = true
        /// Readings in a row to which there was no answer.
        var failures = 0
        var grace = VanishingGrace()
        /// Whether this gateway writes what the backend says; else another does, and this one only shows it.
        var isOurs = true

        /// The state after a start: the record knows how far the log was read.
        init(_ attempt: AttemptRecord) {
            key = attempt.key
            cursor = attempt.logCursor
        }
    }

    /// When the task is to be read again.
    enum Pace: Sendable, Equatable {
        case usual
        case atOnce
        case after(Duration)
    }

    func run() async throws {
        try await parts.fleet.forEach { member in try await BackendReader(member, self).run() }
    }

    // MARK: One reading

    /// The first line that a reading asks for.
    ///
    /// One before the cursor: a log that got shorter then answers nothing at all, while one that merely hasn't grown answers
    /// with the line that is known (contract, item 61).
    /// - Returns: nil while the record takes no lines, so that they stay with the backend.
    func firstLine(_ watch: Watch, of task: MirroredTask) -> Int? {
        let isFull = task.tail.unsavedBytes > Self.mostUnsaved || parts.mirror.isOverfull
        return isFull ? nil : max(0, watch.cursor - 1)
    }

    /// Takes a reading over.
    /// - Parameters:
    ///   - reading: what the backend said, or why it said nothing.
    ///   - record: the task as it was when the reading began.
    ///   - attempt: the attempt that was asked about.
    ///   - member: who was asked.
    ///   - watch: what is known of the attempt.
    /// - Returns: when to read again; a task that isn't placed there any more is found out then.
    func take(
        _ reading: Result<TaskInfo, BackendError>, of record: TaskRecord, _ attempt: AttemptRecord,
        _ member: FleetMember, _ watch: inout Watch
    ) async -> Pace {
        switch reading {
        case .success(let info):
            watch.failures = 0
            watch.grace.known()
            return await show(info, of: record, attempt, &watch)
        case .failure where !watch.isOurs:
            watch.failures += 1
            return .usual
        case .failure(let error) where error.code == .unknownTask:
            watch.failures = 0
            return await missed(record, attempt, member, &watch)
        case .failure:
            watch.failures += 1
            watch.grace.silent()
            return .usual
        }
    }

    // MARK: What the backend says

    private func show(
        _ info: TaskInfo, of record: TaskRecord, _ attempt: AttemptRecord, _ watch: inout Watch
    ) async -> Pace {
        if watch.isOurs, await ImageCheck(parts: parts).rejects(info, of: record, attempt) { return .usual }
        let before = watch.cursor
        let isNewSection = Self.beganAnew(info, watch)
        let lines = isNewSection ? [Self.separator] : Self.newLines(info, watch)
        watch.cursor = isNewSection ? 0 : watch.cursor + lines.count
        watch.lastProcessingTime = info.processingTime
        let (cursor, isOurs) = (watch.cursor, watch.isOurs)
        parts.mirror.change(record.id) { task in
            // What still runs of an earlier run, which is being ended for a restart, isn't shown any more.
            guard task.record.attempt?.key == attempt.key, task.record.intent != .restart else { return }
            // The record told of more lines meanwhile, of which this reading doesn't know.
            guard isOurs || task.record.attempt?.logCursor == before else { return }
            task.tail.append(lines)
            task.record.attempt?.logCursor = cursor
            task.record.show(info)
        }
        // The log's new lines are to be read before an end is taken.
        if isNewSection { return .atOnce }
        guard watch.isOurs else { return .usual }
        if info.status.isFinal, !watch.asksForLines {
            _ = await save([record.id], of: attempt.backend)
            return .usual
        }
        return info.status.isFinal ? await finish(info, record.id, attempt) : .usual
    }

    /// Whether the backend runs the task anew, so that its log begins again (rules, *Mirror*).
    private static func beganAnew(_ info: TaskInfo, _ watch: Watch) -> Bool {
        let isShorter = watch.cursor > 0 && info.output?.isEmpty == true
        // An end may show −1: a cancelled task does.
        let timeFell = !info.status.isFinal && info.processingTime < watch.lastProcessingTime
        return isShorter || timeFell
    }

    /// What of the answer's lines wasn't known; the first one was, unless the log is read from its beginning.
    private static func newLines(_ info: TaskInfo, _ watch: Watch) -> [String] {
        Array((info.output ?? []).dropFirst(watch.cursor > 0 ? 1 : 0))
    }

    /// Records the end that the backend says; until it is in the record the last state is shown.
    private func finish(_ info: TaskInfo, _ id: TaskID, _ attempt: AttemptRecord) async -> Pace {
        // The lines first: the record takes none of an attempt that has ended.
        guard await save([id], of: attempt.backend) else { return .usual }
        if info.status == .failed, await startsAnother(info, id, attempt) { return .usual }
        let end = TaskEnd(
            code: info.status, errorMessage: info.errorMessage, progress: info.progress,
            processingTime: info.processingTime >= 0 ? info.processingTime : nil,
            imagesCount: info.imagesCount >= 0 ? info.imagesCount : nil)
        let store = store(of: attempt.backend)
        guard let outcome = try? await store.finish(attempt.key, end, webhook: parts.webhooks, at: now) else {
            return .usual
        }
        // An end that was recorded already, by its cancel, has freed its slot already.
        if outcome != .lost { parts.fleet.change(attempt.backend) { $0.endedSinceRead += 1 } }
        await ended(id, attempt, outcome)
        return .usual
    }

    /// A run that lacked what another attempt can be given more of is followed by one, once in a task's life between restarts.
    /// - Returns: false where the end is the task's; true also where the record can't be asked now.
    private func startsAnother(_ info: TaskInfo, _ id: TaskID, _ attempt: AttemptRecord) async -> Bool {
        guard let member = parts.fleet.member(attempt.backend), member.backend.deservesAnother(after: info) else {
            return false
        }
        do throws(RecordError) {
            guard let record = try await parts.store.record(of: id), record.attempt?.key == attempt.key,
                try await !parts.store.attempts(of: id).contains(where: { $0.ranOut(in: record) })
            else { return false }
            let release = Record.Release(
                proof: .seenEnded, reason: "\(info.errorMessage ?? "The run failed"); it is started again with more",
                outcome: .outgrown)
            let store = store(of: attempt.backend)
            let outcome = try await store.release(attempt.key, release, webhook: parts.webhooks, at: now)
            if outcome != .lost { parts.fleet.change(attempt.backend) { $0.endedSinceRead += 1 } }
            await ended(id, attempt, outcome)
        } catch {
            parts.logger.info(
                "an end isn't recorded yet", ["task": .string(id.string), "error": .string(error.message)])
        }
        return true
    }

    private func ended(_ id: TaskID, _ attempt: AttemptRecord, _ outcome: EndOutcome) async {
        await parts.refresh(id)
        let who: [String: LogValue] = ["task": .string(id.string), "backend": .string(attempt.backend.string)]
        switch outcome {
        case .queued: parts.logger.warning("task goes back to the queue", who)
        case .ended(let state):
            parts.logger.info("task ended", who.merging(["outcome": .string(state.rawValue)]) { $1 })
        case .lost: break
        }
        parts.placement.wake()
        parts.webhookWake.wake()
    }

    // MARK: Forgotten tasks

    /// The backend doesn't know the task: certain only after a while in which it answered.
    private func missed(
        _ record: TaskRecord, _ attempt: AttemptRecord, _ member: FleetMember, _ watch: inout Watch
    ) async -> Pace {
        if let reason = attempt.failure {
            // It is gone because it was removed (rules: *Image check*).
            await ImageCheck(parts: parts).remove(record, attempt, because: reason)
            return .after(Self.missedPause)
        }
        // Whoever can't tell its own state isn't believed about a task either.
        guard (try? await member.backend.load()) != nil else {
            watch.grace.silent()
            return .after(Self.missedPause)
        }
        watch.grace.missed(at: parts.clock.monotonic())
        guard watch.grace.isOver, await save([record.id], of: attempt.backend) else { return .after(Self.missedPause) }
        guard let outcome = try? await giveUp(parts.mirror.task(record.id)?.record ?? record, attempt, member) else {
            return .after(Self.missedPause)
        }
        await ended(record.id, attempt, outcome)
        return .usual
    }

    private func giveUp(
        _ record: TaskRecord, _ attempt: AttemptRecord, _ member: FleetMember
    ) async throws(RecordError) -> EndOutcome {
        let hadStarted = record.processingTime >= 0 || (record.attempt?.logCursor ?? 0) > 0
        // Of another gateway, or restarted where it was: it can't be sent anywhere again.
        guard record.inputsExpiredAt == nil else {
            let end = TaskEnd(
                code: .failed,
                errorMessage: "\(member.definition.name) no longer knows this task, and the gateway has no inputs of it"
            )
            return try await parts.store.finish(attempt.key, end, webhook: parts.webhooks, at: now)
        }
        if hadStarted, (parts.fleet.member(member.definition.name) ?? member).onVanished == .fail {
            let end = TaskEnd(
                code: .failed, errorMessage: "\(member.definition.name) no longer knows this task, which had started")
            return try await store(of: attempt.backend).finish(attempt.key, end, webhook: parts.webhooks, at: now)
        }
        let release = Record.Release(
            proof: .vanished, isCounted: hadStarted, reason: "the backend no longer knows the task",
            limit: parts.attemptLimit)
        return try await store(of: attempt.backend).release(attempt.key, release, webhook: parts.webhooks, at: now)
    }

    // MARK: The record

    /// Writes what the mirror has of tasks and the record doesn't.
    /// - Returns: false where the record can't be reached; true also where it has moved on, which memory then follows.
    func save(_ ids: [TaskID], of backend: BackendName) async -> Bool {
        guard parts.duties.isMine(.watching(backend)) else { return await follow(ids) }
        var (progress, output): ([TaskProgress], [OutputLines]) = ([], [])
        for id in ids {
            guard let task = parts.mirror.task(id), let key = task.record.attempt?.key else { continue }
            if task.isWatched { progress.append(TaskProgress(key, task.record)) }
            guard !task.tail.unsaved.isEmpty else { continue }
            let lines = OutputLines(
                attempt: key, after: task.tail.savedEnd, lines: Array(task.tail.unsaved),
                logCursor: task.record.attempt?.logCursor ?? 0)
            output.append(lines)
        }
        guard !progress.isEmpty || !output.isEmpty else { return true }
        guard let saved = try? await store(of: backend).save(progress: progress, output: output, at: now) else {
            return false
        }
        for entry in output {
            guard saved.output.contains(entry.attempt) else {
                // Somebody else wrote, or an earlier answer was lost.
                await parts.refresh(entry.attempt.task)
                continue
            }
            parts.mirror.change(entry.attempt.task) { task in
                guard task.record.attempt?.key == entry.attempt, task.tail.savedEnd == entry.after else { return }
                task.tail.markSaved(to: entry.after + entry.lines.count)
            }
        }
        return true
    }

    /// Another gateway writes: what the record has by now needn't be kept here.
    private func follow(_ ids: [TaskID]) async -> Bool {
        for id in ids { await parts.refresh(id) }
        return true
    }

    /// The store for what only the gateway writes that watches a backend.
    private func store(of backend: BackendName) -> TaskStore {
        parts.duties.store(parts.store, for: .watching(backend))
    }

    private var now: Timestamp { parts.clock.timestamp }
}

extension TaskRecord {
    /// Takes over what the owner says now. An end is shown only once it is in the record.
    fileprivate mutating func show(_ info: TaskInfo) {
        progress = max(progress, info.progress)
        guard !info.status.isFinal else { return }
        ownerCode = info.status
        if info.processingTime >= 0 { processingTime = info.processingTime }
        // Until a node has initialised the task it counts all uploaded files.
        if info.imagesCount >= 0, info.status != .running || info.processingTime >= 0 { imagesShown = info.imagesCount }
    }
}

extension TaskProgress {
    fileprivate init(_ key: AttemptKey, _ record: TaskRecord) {
        self.init(
            attempt: key, progress: record.progress, processingTime: record.processingTime, code: record.ownerCode,
            imagesCount: record.imagesShown)
    }
}
