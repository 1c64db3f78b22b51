internal import Backends
internal import Model
internal import NodeODM
internal import Observability
internal import Reactor
internal import Record

/// Keeps the mirror fresh: asks each backend about the tasks placed there, and records their ends.
///
/// A poll never waits for this: it shows what was last heard, whatever the backend does.
struct MirrorRefresher: Service {
    let name = "mirror"
    let parts: DispatchParts
    /// The inventory's `mirror.refresh`.
    let refresh: Duration

    /// Questions to one backend at the same time.
    private static let concurrency = 8
    /// Progress and output are written at most so often.
    private static let saveEvery = Duration.seconds(10)
    /// A forgotten task is confirmed so often, over so long (rules: *Vanished*).
    private static let confirmations = 3
    private static let grace = Duration.seconds(300)

    /// What is known of a task between two readings.
    private struct Watch {
        var lastSaved: MonotonicTime
        var firstMissed: MonotonicTime?
        var misses = 0
        var cursor: Int
        var lastProcessingTime: Int64 = -1
    }

    func run() async throws {
        if parts.fleet.members.isEmpty { try await parts.clock.untilCancelled() }
        try await withThrowingDiscardingTaskGroup { group in
            for member in parts.fleet.members { group.addTask { try await watch(member) } }
        }
    }

    private func watch(_ member: FleetMember) async throws {
        var watches: [AttemptKey: Watch] = [:]
        while true {
            let ids = parts.mirror.watched(on: member.definition.name)
            var readings: [(TaskRecord, Result<TaskInfo, BackendError>)] = []
            let due = ids.compactMap { id in parts.mirror.task(id)?.record }
            for batch in stride(from: 0, to: due.count, by: Self.concurrency) {
                let records = due[batch..<min(batch + Self.concurrency, due.count)]
                readings += await read(Array(records), from: member.backend, watches)
            }
            for (record, reading) in readings {
                guard let attempt = record.attempt else { continue }
                var watch = watches[attempt.key] ?? Watch(lastSaved: parts.clock.monotonic(), cursor: attempt.logCursor)
                await take(reading, of: record, attempt, member, &watch)
                watches[attempt.key] = watch
            }
            let live = Set(readings.compactMap { $0.0.attempt?.key })
            watches = watches.filter { live.contains($0.key) }
            try await parts.clock.sleep(for: refresh)
        }
    }

    private func read(
        _ records: [TaskRecord], from backend: any Backend, _ watches: [AttemptKey: Watch]
    ) async -> [(TaskRecord, Result<TaskInfo, BackendError>)] {
        await withTaskGroup(of: (TaskRecord, Result<TaskInfo, BackendError>).self) { group in
            for record in records {
                guard let attempt = record.attempt else { continue }
                let cursor = watches[attempt.key]?.cursor ?? attempt.logCursor
                group.addTask {
                    do throws(BackendError) {
                        return (record, .success(try await backend.status(of: attempt.backendTask, outputFrom: cursor)))
                    } catch {
                        return (record, .failure(error))
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    private func take(
        _ reading: Result<TaskInfo, BackendError>, of record: TaskRecord, _ attempt: AttemptRecord,
        _ member: FleetMember, _ watch: inout Watch
    ) async {
        switch reading {
        case .success(let info):
            watch.firstMissed = nil
            watch.misses = 0
            await show(info, of: record, attempt, &watch)
        case .failure(let error):
            guard error.code == .unknownTask else { return }
            await missed(record, attempt, member, &watch)
        }
    }

    // MARK: What the backend says

    private func show(_ info: TaskInfo, of record: TaskRecord, _ attempt: AttemptRecord, _ watch: inout Watch) async {
        var lines = info.output ?? []
        if info.processingTime < watch.lastProcessingTime, !info.status.isFinal {
            // The node began anew: its log starts again, ours goes on.
            lines = ["--- the backend started this task anew ---"]
            watch.cursor = 0
        } else {
            watch.cursor += lines.count
        }
        watch.lastProcessingTime = info.processingTime
        let cursor = watch.cursor
        let isFinal = info.status.isFinal
        let shown = parts.mirror.change(record.id) { task in
            guard task.record.attempt?.key == attempt.key else { return }
            task.tail.append(lines)
            task.record.progress = max(task.record.progress, info.progress)
            if info.processingTime >= 0 { task.record.processingTime = info.processingTime }
            if info.imagesCount >= 0, Self.isInitialized(info) { task.record.imagesShown = info.imagesCount }
            task.record.attempt?.logCursor = cursor
            // An end is shown only once it is in the record.
            if !isFinal { task.record.ownerCode = info.status }
        }
        guard let shown, shown.record.attempt?.key == attempt.key else { return }
        if isFinal || parts.clock.monotonic() - watch.lastSaved >= Self.saveEvery {
            watch.lastSaved = parts.clock.monotonic()
            await save(shown, attempt.key)
        }
        if isFinal { await finish(info, record.id, attempt) }
    }

    private static func isInitialized(_ info: TaskInfo) -> Bool {
        info.status != .running || info.processingTime >= 0
    }

    private func save(_ task: MirroredTask, _ key: AttemptKey) async {
        let progress = TaskProgress(
            attempt: key, progress: task.record.progress, processingTime: task.record.processingTime,
            code: task.record.ownerCode, imagesCount: task.record.imagesShown)
        let unsaved = Array(task.tail.unsaved)
        let output = OutputLines(
            attempt: key, after: task.tail.savedEnd, lines: unsaved, logCursor: task.record.attempt?.logCursor ?? 0)
        guard
            let saved = try? await parts.store.save(
                progress: [progress], output: unsaved.isEmpty ? [] : [output], at: now)
        else { return }
        guard saved.output.contains(key) else { return }
        parts.mirror.change(task.record.id) { $0.tail.markSaved(to: output.after + unsaved.count) }
    }

    private func finish(_ info: TaskInfo, _ id: TaskID, _ attempt: AttemptRecord) async {
        let end = TaskEnd(
            code: info.status, errorMessage: info.errorMessage, progress: info.progress,
            processingTime: info.processingTime >= 0 ? info.processingTime : nil,
            imagesCount: info.imagesCount >= 0 ? info.imagesCount : nil)
        guard let outcome = try? await parts.store.finish(attempt.key, end, webhook: parts.webhooks, at: now) else {
            return
        }
        parts.fleet.change(attempt.backend) { $0.endedSinceRead += 1 }
        await parts.refresh(id)
        parts.logger.info(
            "task ended",
            [
                "task": .string(id.string), "backend": .string(attempt.backend.string),
                "outcome": .string(outcome.word),
            ])
        parts.placement.wake()
        parts.webhookWake.wake()
    }

    // MARK: Forgotten tasks

    private func missed(
        _ record: TaskRecord, _ attempt: AttemptRecord, _ member: FleetMember, _ watch: inout Watch
    ) async {
        let now = parts.clock.monotonic()
        let first = watch.firstMissed ?? now
        watch.firstMissed = first
        watch.misses += 1
        guard watch.misses >= Self.confirmations, now - first >= Self.grace else { return }
        let hadStarted = record.processingTime >= 0 || record.ownerCode == .running
        if hadStarted, member.definition.onVanished == .fail {
            let end = TaskEnd(
                code: .failed, errorMessage: "\(member.definition.name) no longer knows this task, which had started")
            _ = try? await parts.store.finish(attempt.key, end, webhook: parts.webhooks, at: self.now)
        } else {
            let release = Record.Release(
                proof: .vanished, isCounted: hadStarted, reason: "the backend no longer knows the task",
                limit: parts.attemptLimit)
            _ = try? await parts.store.release(attempt.key, release, webhook: parts.webhooks, at: self.now)
        }
        await parts.refresh(record.id)
        parts.placement.wake()
        parts.webhookWake.wake()
    }

    private var now: Timestamp { parts.clock.timestamp }
}
