internal import Backends
internal import Model
internal import NodeODM
internal import Reactor
internal import Record

/// Reads the tasks of one backend, each at its own moment; what is slow holds up only itself.
actor BackendReader {
    private let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    /// One question takes at most so long.
    static let timeLimit = Duration.seconds(10)
    /// Progress and lines are written so often, of all tasks together.
    static let saveEvery = Duration.seconds(10)
    /// Tasks that are written in one transaction at most, and bytes of their lines.
    private static let batch = (tasks: 100, bytes: 4 << 20)

    private let member: FleetMember
    private let refresher: MirrorRefresher
    private let wake: WakeUp
    private var schedule = ReadingSchedule()
    private var watches: [TaskID: MirrorRefresher.Watch] = [:]
    /// Read since the last time that was written.
    private var unsaved: Set<TaskID> = []
    private var wasWaiting = false
    /// Whether this gateway writes what the backend says: always, where it is the only one.
    private var isOurs: Bool
    private var alarmAt = MonotonicTime.distantFuture

    private var parts: DispatchParts { refresher.parts }
    private var backend: BackendName { member.definition.name }

    /// - Parameters:
    ///   - member: who is asked.
    ///   - refresher: takes the answers over.
    init(_ member: FleetMember, _ refresher: MirrorRefresher) {
        self.member = member
        self.refresher = refresher
        loop = refresher.loop
        isOurs = refresher.parts.duties.isAlone
        wake = refresher.parts.mirror.register(readerOf: member.definition.name)
    }

    /// Runs until it is cancelled. What isn't written by then is read again after the next start.
    func run() async throws {
        wake.wake()
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { try await self.saveRegularly() }
            for await _ in wake.wakeUps() {
                try Task.checkCancellation()
                await followDuty()
                for id in startDue() { group.addTask { await self.read(id) } }
                if let moment = nextAlarm() { group.addTask { await self.ring(at: moment) } }
            }
        }
    }

    // MARK: Among several gateways

    /// Takes the backend's tasks over from another gateway, or leaves them to it.
    private func followDuty() async {
        let isMine = parts.duties.isMine(.watching(backend))
        guard isMine != isOurs else { return }
        guard isMine else {
            isOurs = false
            return
        }
        // What the record has of their logs is what the next lines follow on.
        guard let tasks = try? await parts.store.live(on: backend) else { return }
        watches = [:]
        for record in tasks where record.state == .placed {
            parts.mirror.replace(parts.lookup.snapshot(of: record))
            parts.mirror.change(record.id) { $0.agree(withLogsOf: record) }
        }
        isOurs = true
        for id in parts.mirror.watched(on: backend) { schedule.add(id, at: parts.clock.monotonic()) }
    }

    /// Whether a task is read although another gateway writes what is said of it: while this one's clients ask.
    private func isAsked(_ task: MirroredTask) -> Bool {
        parts.clock.monotonic() - task.lastAsked < ReadingPolicy.quietAfter
    }

    // MARK: When

    private func startDue() -> [TaskID] {
        let now = parts.clock.monotonic()
        for id in parts.mirror.takeUrgent(on: backend) { schedule.add(id, at: now) }
        let isWaiting = parts.mirror.hasWaiting
        if isWaiting, !wasWaiting { schedule.hurry(to: now + refresher.policy.shortest) }
        wasWaiting = isWaiting
        var due: [TaskID] = []
        while let id = schedule.next(at: now) { due.append(id) }
        return due
    }

    /// When to wake up for what is due next; nil where an alarm rings in time.
    private func nextAlarm() -> MonotonicTime? {
        guard let next = schedule.wakeUp, next < alarmAt else { return nil }
        alarmAt = next
        return next
    }

    private func ring(at moment: MonotonicTime) async {
        try? await parts.clock.sleep(for: max(.zero, moment - parts.clock.monotonic()))
        if alarmAt == moment { alarmAt = .distantFuture }
        wake.wake()
    }

    private func dueAgain(_ id: TaskID, _ pace: MirrorRefresher.Pace, since begin: MonotonicTime) -> MonotonicTime {
        let now = parts.clock.monotonic()
        switch pace {
        case .atOnce: return now
        case .after(let pause): return now + pause
        case .usual:
            let silence = parts.mirror.task(id).map { now - $0.lastAsked } ?? .zero
            let pause = refresher.policy.pause(
                silence: silence, isWaiting: parts.mirror.hasWaiting, failures: watches[id]?.failures ?? 0)
            return max(now, begin + pause)
        }
    }

    // MARK: One task

    private func read(_ id: TaskID) async {
        defer { wake.wake() }
        let begin = parts.clock.monotonic()
        guard let task = parts.mirror.task(id), task.isWatched, let attempt = task.record.attempt,
            attempt.backend == backend
        else { return await leave(id) }
        let isOurs = isOurs
        guard isOurs || isAsked(task) else { return await leave(id) }
        var watch = watches[id] ?? .init(attempt)
        // Where another gateway writes, the record may tell of more lines than were read here.
        if watch.key != attempt.key || watch.isOurs != isOurs || !isOurs && watch.cursor != attempt.logCursor {
            watch = .init(attempt)
        }
        watch.isOurs = isOurs
        let line = refresher.firstLine(watch, of: task)
        watch.asksForLines = line != nil
        let reading = await ask(attempt.backendTask, from: line)
        schedule.answered()
        // Other tasks go on while the record takes this one's end.
        wake.wake()
        let pace = await refresher.take(reading, of: task.record, attempt, member, &watch)
        if isOurs == self.isOurs { watches[id] = watch }
        if let now = parts.mirror.task(id), now.record != task.record || !now.tail.unsaved.isEmpty {
            unsaved.insert(id)
        }
        schedule.again(id, at: dueAgain(id, pace, since: begin))
    }

    /// The task isn't placed here any more.
    private func leave(_ id: TaskID) async {
        schedule.answered()
        schedule.remove(id)
        watches[id] = nil
        if parts.mirror.task(id)?.tail.unsaved.isEmpty == false { unsaved.insert(id) }
    }

    private func ask(_ task: BackendTaskID, from line: Int?) async -> Result<TaskInfo, BackendError> {
        let backend = member.backend
        let answer = await TimeLimit.run(Self.timeLimit, by: parts.clock, on: loop) {
            do throws(BackendError) {
                return Result<TaskInfo, BackendError>.success(try await backend.status(of: task, outputFrom: line))
            } catch {
                return .failure(error)
            }
        }
        return answer ?? .failure(BackendError(.outcomeUnknown, backend: backend.name, "it didn't answer in time"))
    }

    // MARK: The record

    private func saveRegularly() async throws {
        while true {
            try await parts.clock.sleep(for: Self.saveEvery)
            await save()
        }
    }

    private func save() async {
        var rest = Array(unsaved)
        unsaved = []
        while !rest.isEmpty {
            var (batch, bytes): ([TaskID], Int) = ([], 0)
            while let id = rest.last, batch.count < Self.batch.tasks, bytes < Self.batch.bytes {
                bytes += parts.mirror.task(id)?.tail.unsavedBytes ?? 0
                batch.append(id)
                rest.removeLast()
            }
            guard await refresher.save(batch, of: backend) else {
                unsaved.formUnion(batch)
                unsaved.formUnion(rest)
                return
            }
        }
    }
}
