internal import Backends
internal import Model
internal import NodeODM
internal import Observability
internal import Reactor
internal import Record
internal import Scheduling

/// Places queued tasks on backends and carries each placement to its acceptance.
///
/// Late binding: a task waits here until a backend has a free slot. A pass runs at every event that may change something (a commit,
/// an end, a load that was read, a failed placement) and at the moment that the last pass named.
///
/// Its parts stand in files by concern: passes here, `+transfers` what carries attempts out, `+fencing` tasks of dead backends,
/// `+evacuation` and `+moving` what operators take off backends, `+view` what the scheduler sees, `+questions` what it would decide.
actor Dispatcher: Service {
    nonisolated let name = "dispatcher"
    nonisolated let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    let parts: DispatchParts
    var queue = PlacementQueue()
    var transfers: [TaskID: RunningTransfer] = [:]
    var isDraining = false
    /// Whether live attempts may be left that nobody carries: an answer of the record was lost, or it refused a step.
    var mayHaveLost = false
    /// Under which lease this gateway decides; nil while another does.
    var charge: Lease?
    /// Attempts that another gateway still carries out: they hold slots, and it may end before they do.
    var foreign: [TaskID: AttemptRecord] = [:]
    let scheduler: Scheduler
    private(set) var state = SchedulerState()
    var sharedLine: SharedLine?
    /// What the last pass said of the tasks that it left waiting.
    private(set) var lastWaiting: [TaskClass: Decision.Waiting] = [:]
    /// The fleet's version that the last pass knew, and since when: the start, or the last change of its members.
    private var fleetVersion: Int
    private var fleetChangedAt: Timestamp
    private var alarm: Alarm?

    /// Rows read one by one up to here; of more all are read, by pages, unless they are few beside all that wait.
    private static let readSingly = 64
    private static let fewOfAll = 64
    /// Rows in memory at once.
    private static let page = 2000
    /// Tasks marked as waiting in one pass.
    private static let markedTogether = 200

    init(_ parts: DispatchParts, prefetch: Int, spillAfter: Duration, loop: EventLoop) {
        self.parts = parts
        self.loop = loop
        let reference = EngineOptions(OptionCatalog.engine360.definitions.map(\.name))
        scheduler = Scheduler(policy: Policy(referenceOptions: reference, spillAfter: spillAfter, prefetch: prefetch))
        fleetVersion = parts.fleet.version
        fleetChangedAt = parts.clock.timestamp
    }

    func run() async throws {
        if parts.duties.isAlone { try await recover() }
        parts.placement.wake()
        for await _ in parts.placement.wakeUps() {
            if Task.isCancelled { break }
            let cost = await passReporting()
            // A pass over a long queue isn't repeated for each of many events: it may take a third of the time.
            if cost >= .milliseconds(5) { try? await parts.clock.sleep(for: min(cost * 2, .milliseconds(250))) }
        }
        await standDown()
    }

    /// Begins nothing any more, and stops what is under way: a later start settles it, or another gateway.
    func standDown() async {
        alarm?.task.cancel()
        isDraining = true
        for running in transfers.values { running.task.cancel() }
        for running in transfers.values { await running.task.value }
    }

    // MARK: A pass

    /// - Returns: how long it took to know what to do.
    private func passReporting() async -> Duration {
        if isDraining { return .zero }
        // What waited for a backend that wasn't there can go on.
        let version = parts.fleet.version
        if version != fleetVersion {
            (fleetVersion, fleetChangedAt, mayHaveLost) = (version, now, true)
        }
        let isNew = takeCharge()
        if isNew || mayHaveLost || !foreign.isEmpty {
            mayHaveLost = false
            do { try await recover() } catch {
                // Nothing is decided by who doesn't know what is under way.
                if isNew { charge = nil }
                mayHaveLost = true
                if !parts.duties.isAlone { wake(after: .seconds(1)) }
            }
        }
        do throws(RecordError) { return try await pass() } catch {
            mayHaveLost = mayHaveLost || error.outcomeUnknown
            parts.logger.warning("placement pass failed", ["error": .string(error.message)])
            wake(after: .seconds(1))
            return .zero
        }
    }

    private func pass() async throws(RecordError) -> Duration {
        let begin = parts.clock.monotonic()
        stopUseless()
        guard isInCharge else {
            // Whoever is in charge counts what waits.
            parts.metrics.queue.note([], fleet: parts.fleet)
            return .zero
        }
        try await readQueue()
        let abandoned = try await abandonable()
        guard !queue.isEmpty || !abandoned.isEmpty else {
            parts.metrics.queue.note([], fleet: parts.fleet)
            return .zero
        }
        let decision = decide(with: abandoned)
        let cost = parts.clock.monotonic() - begin
        for discard in decision.discards { stop(discard.task, because: "the backend \(discard.reason.text)") }
        for placement in decision.placements {
            if let record = abandoned[placement.task.id] {
                try await fence(record, for: placement)
            } else if let row = try await parts.store.queued(placement.task.id.key) {
                try await place(row, placement)
            }
        }
        for prefetch in decision.prefetches where abandoned[prefetch.task] == nil { try await sendAhead(prefetch) }
        parts.metrics.queue.note(decision.waiting, fleet: parts.fleet)
        lastWaiting = Dictionary(decision.waiting.map { ($0.taskClass, $0) }, uniquingKeysWith: { $1 })
        try await note(decision.waiting)
        if let next = decision.nextChange { wake(after: max(.milliseconds(20), next - now)) }
        return cost
    }

    private func readQueue() async throws(RecordError) {
        let index = try await parts.store.queueIndex()
        queue.renew(catalogVersion: parts.fleet.catalogVersion)
        let hidden = Set(transfers.filter { $0.value.holdsSlot || $0.value.stopReason != nil }.map(\.key.key))
        let changed = queue.compare(with: index, hiding: hidden)
        if changed.count <= max(Self.readSingly, index.count / Self.fewOfAll) {
            for key in changed {
                if let row = try await parts.store.queued(key) { take(row) } else { queue.forget(key) }
            }
        } else {
            let wanted = Set(changed)
            try await forEachQueued { row in if wanted.contains(row.id.key) { take(row) } }
        }
    }

    /// Reads the record's queue by pages, the first to be served first.
    func forEachQueued(_ body: (Record.QueuedTask) -> Void) async throws(RecordError) {
        var page = try await parts.store.queue(limit: Self.page)
        while let last = page.last {
            for row in page { body(row) }
            page = try await parts.store.queue(after: QueuePlace(last), limit: Self.page)
        }
    }

    private func take(_ row: Record.QueuedTask) { queue.take(row, as: scheduled(row)) }

    /// Asks the scheduler, with the tasks of dead backends among those that wait.
    private func decide(with abandoned: [TaskID: TaskRecord]) -> Decision {
        for record in abandoned.values { queue.tasks.insert(scheduled(record)) }
        defer { for id in abandoned.keys { queue.tasks.remove(id) } }
        let decision = scheduler.decide(
            queue: &queue.tasks, fleet: snapshots(foreign: foreign), owners: shares(foreign: foreign), state: &state,
            now: now)
        for id in decision.placements.map(\.task.id) + decision.prefetches.map(\.task) + decision.discards.map(\.task) {
            queue.touch(id)
        }
        return decision
    }

    private func place(_ row: Record.QueuedTask, _ placement: Placement) async throws(RecordError) {
        if let running = transfers[row.id] {
            guard running.attempt.backend == placement.backend else {
                return stop(row.id, because: "\(placement.backend) can take it sooner")
            }
            guard try await decided.promote(running.attempt.key, at: now) else { return }
            parts.metrics.notePlacement(on: placement.backend, .staged)
            giveSlot(to: row.id)
            return await parts.refresh(row.id)
        }
        let isInPlace = row.boundTo != nil || projectHome(of: row) == placement.backend
        let manner: AttemptManner = isInPlace ? .inPlace : .fresh
        let why = isInPlace ? PlacementReason.inPlace : PlacementReason(placement.choice)
        let reason = text(of: placement)
        guard try await !begin(row.id, on: placement.backend, manner, why, reason: reason) else { return }
        if row.boundTo == nil {
            let why = PlacementReason(placement.choice)
            _ = try await begin(row.id, on: placement.backend, .fresh, why, reason: reason)
        } else {
            try await fail(row.id, because: ProjectOwner.gone)
        }
    }

    private func sendAhead(_ prefetch: Decision.Prefetch) async throws(RecordError) {
        guard transfers[prefetch.task] == nil else { return }
        _ = try await begin(
            prefetch.task, on: prefetch.backend, .prefetch, nil,
            reason: "\(prefetch.backend) is busy; the inputs are sent ahead")
    }

    /// - Returns: false where a restart in place was wanted of a backend without the project.
    func begin(
        _ id: TaskID, on backend: BackendName, _ manner: AttemptManner, _ why: PlacementReason?, reason: String
    ) async throws(RecordError) -> Bool {
        guard let member = parts.fleet.member(backend) else { return true }
        let random = parts.random
        let places = member.backend.worksInObjectStore ? try await places(of: id) : nil
        try await parts.roster?.willPlace(on: backend)
        // A ClusterODM takes versions 1–5 only, and keeps the routes of old tasks: a fresh name each time.
        let isFresh = member.isCluster
        let carrier = parts.duties.carrier
        let outcome = try await decided.begin(
            id, on: backend, manner, reason: reason, at: now, carrier: carrier, places: places
        ) { number in
            member.backend.identity(for: id, attempt: number, isFresh: isFresh, random: random)
        }
        switch outcome {
        case .begun(let attempt):
            if let why { parts.metrics.notePlacement(on: backend, why) }
            await parts.refresh(id)
            start(attempt, isResumed: false)
        case .lost: await parts.refresh(id)
        case .noProject: return false
        }
        return true
    }

    /// Where the results of a task's attempts go, on backends that work in object storage.
    private func places(of id: TaskID) async throws(RecordError) -> ResultPlaces? {
        let recorded = try await parts.store.record(of: id)?.objectStorage
        let own = parts.buckets?.own
        guard recorded != nil else {
            return ResultPlaces { number, _ in own.map { OutputPlace.ofUpload(id, attempt: number, in: $0) } }
        }
        guard let fields = ObjectStorageFields(recorded: recorded) else { return nil }
        return ResultPlaces(
            { number, isAfterFence in OutputPlace.of(fields, attempt: number, isAfterFence: isAfterFence) },
            apart: { number, isAfterFence in
                OutputPlace.of(fields, attempt: number, isAfterFence: isAfterFence, apartAs: id)
            })
    }

    // MARK: What waits

    private func note(_ waiting: [Decision.Waiting]) async throws(RecordError) {
        try await markWaiting()
        for entry in waiting {
            guard let since = entry.impossibleSince, now - max(since, fleetChangedAt) >= parts.impossibleAfter else {
                continue
            }
            let isBound = entry.taskClass.requirements.boundTo != nil
            let reason = isBound ? ProjectOwner.gone : "No listed backend can take this task: \(text(of: entry))"
            for task in queue.tasks.tasks(of: entry.taskClass)
            where now - max(since, task.queuedSince, fleetChangedAt) >= parts.impossibleAfter {
                try await fail(task.id, because: reason)
            }
        }
    }

    /// Shows the tasks that found no slot as waiting; so many a pass that placements don't wait behind thousands of them.
    private func markWaiting() async throws(RecordError) {
        guard !queue.unmarked.isEmpty else { return }
        var unmarked: [TaskClass: [TaskID]] = [:]
        var left = Self.markedTogether
        for id in queue.unmarked where left > 0 {
            guard let taskClass = queue.tasks.taskClass(of: id), lastWaiting[taskClass] != nil else { continue }
            unmarked[taskClass, default: []].append(id)
            left -= 1
        }
        for (taskClass, ids) in unmarked {
            try await decided.markWaiting(ids, reason: lastWaiting[taskClass].map(text) ?? "", at: now)
            for id in ids { await parts.refresh(id) }
        }
        if left == 0 { parts.placement.wake() }
    }

    private func fail(_ id: TaskID, because reason: String) async throws(RecordError) {
        _ = try await decided.failQueued(id, reason: reason, webhook: parts.webhooks, at: now)
        await parts.refresh(id)
        parts.webhookWake.wake()
    }

    /// Why tasks that are alike wait, for people.
    func text(of waiting: Decision.Waiting) -> String {
        guard !parts.fleet.members.isEmpty else { return "no backend is listed" }
        let reasons = waiting.reasons.map { "\($0.backend) \($0.reason.text)" }.joined(separator: "; ")
        return reasons.isEmpty ? "all free slots are spoken for by tasks before it" : reasons
    }

    /// The next pass that nobody else may call for.
    private struct Alarm {
        let moment: MonotonicTime
        let task: Task<Void, Never>
    }

    /// Has a pass begin after a pause, or earlier where that was asked for before.
    func wake(after pause: Duration) {
        let moment = parts.clock.monotonic() + pause
        if let alarm, alarm.moment <= moment { return }
        alarm?.task.cancel()
        let clock = parts.clock
        let task = Task(executorPreference: loop) {
            // One that an earlier takes the place of must wake nobody: each pass may set an alarm.
            do { try await clock.sleep(for: pause) } catch { return }
            if !Task.isCancelled { await self.ring() }
        }
        alarm = Alarm(moment: moment, task: task)
    }

    private func ring() {
        alarm = nil
        parts.placement.wake()
    }

    var now: Timestamp { parts.clock.timestamp }
}
