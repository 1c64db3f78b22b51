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
actor Dispatcher: Service {
    nonisolated let name = "dispatcher"
    private let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private struct Running {
        let attempt: AttemptRecord
        let task: Task<Void, Never>
        let slot: WakeUp
        var holdsSlot: Bool
    }

    private let parts: DispatchParts
    private let scheduler: Scheduler
    private var state = SchedulerState()
    private var transfers: [TaskID: Running] = [:]
    private let startedAt: Timestamp
    private var isDraining = false
    private var alarm: Task<Void, Never>?

    init(_ parts: DispatchParts, prefetch: Int, spillAfter: Duration, loop: EventLoop) {
        self.parts = parts
        self.loop = loop
        let reference = EngineOptions(OptionCatalog.engine360.definitions.map(\.name))
        scheduler = Scheduler(policy: Policy(referenceOptions: reference, spillAfter: spillAfter, prefetch: prefetch))
        startedAt = parts.clock.timestamp
    }

    func run() async throws {
        try await recover()
        parts.placement.wake()
        for await _ in parts.placement.wakeUps() {
            if Task.isCancelled { break }
            await passReporting()
        }
        alarm?.cancel()
        isDraining = true
        for running in transfers.values { running.task.cancel() }
        for running in transfers.values { await running.task.value }
    }

    /// Stops a transfer whose task its owner has cancelled or removed.
    func stop(_ id: TaskID) {
        guard let running = transfers[id] else { return }
        running.task.cancel()
    }

    // MARK: Recovery

    /// Takes up what an earlier life left: committing attempts are settled by looking, others end and go back to the queue.
    private func recover() async throws {
        let (live, _) = try await parts.durable.run { () throws(RecordError) in try await parts.store.live() }
        for record in live {
            guard let attempt = record.liveAttempt else { continue }
            switch attempt.state {
            case .committing: start(attempt, isResumed: true)
            case .recorded, .sending: try await giveUp(attempt, because: "the gateway was restarted before the commit")
            case .accepted, .ended: break
            }
        }
    }

    /// Ends an attempt whose commit was never sent, so that its task is placed anew.
    private func giveUp(_ attempt: AttemptRecord, because reason: String) async throws {
        let leftover: CleanupKind? = attempt.state == .sending && !attempt.isInPlace ? .discard : nil
        let release = Record.Release(
            proof: .nothingCommitted, reason: reason, leftover: leftover)
        _ = try await parts.durable.run { () throws(RecordError) in
            try await parts.store.release(attempt.key, release, at: now)
        }
        await parts.refresh(attempt.attempt.task)
    }

    // MARK: A pass

    private func passReporting() async {
        do throws(RecordError) { try await pass() } catch {
            parts.logger.warning("placement pass failed", ["error": .string(error.message)])
            wake(after: .seconds(1))
        }
    }

    private func pass() async throws(RecordError) {
        let rows = try await parts.store.queue()
        guard !rows.isEmpty else { return }
        var byID: [TaskID: Record.QueuedTask] = [:]
        var queue = TaskQueue()
        for row in rows where transfers[row.id]?.holdsSlot != true {
            byID[row.id] = row
            queue.insert(scheduled(row))
        }
        let decision = scheduler.decide(
            queue: &queue, fleet: snapshots(), owners: shares(), state: &state, now: now)
        for discard in decision.discards { stop(discard.task) }
        for placement in decision.placements {
            if let row = byID[placement.task.id] { try await place(row, placement) }
        }
        for prefetch in decision.prefetches { try await sendAhead(prefetch) }
        for waiting in decision.waiting { try await note(waiting, queue) }
        if let next = decision.nextChange { wake(after: max(.milliseconds(20), next - now)) }
    }

    private func place(_ row: Record.QueuedTask, _ placement: Placement) async throws(RecordError) {
        if let running = transfers[row.id] {
            guard running.attempt.backend == placement.backend else {
                stop(row.id)
                return
            }
            guard try await parts.store.promote(running.attempt.key, at: now) else { return }
            transfers[row.id]?.holdsSlot = true
            running.slot.wake()
            await parts.refresh(row.id)
            return
        }
        let isInPlace = row.project?.backend == placement.backend
        try await begin(row.id, on: placement.backend, isInPlace ? .inPlace : .fresh, reason: placement.text)
    }

    private func sendAhead(_ prefetch: Decision.Prefetch) async throws(RecordError) {
        guard transfers[prefetch.task] == nil else { return }
        try await begin(
            prefetch.task, on: prefetch.backend, .prefetch,
            reason: "\(prefetch.backend) is busy; the inputs are sent ahead")
    }

    private func begin(
        _ id: TaskID, on backend: BackendName, _ manner: AttemptManner, reason: String
    ) async throws(RecordError) {
        let random = parts.random
        let outcome = try await parts.store.begin(id, on: backend, manner, reason: reason, at: now) { number in
            BackendTaskID(number == 1 && id.isUUID ? id.string : TaskID(randomUUID: random).string)
        }
        switch outcome {
        case .begun(let attempt):
            await parts.refresh(id)
            start(attempt, isResumed: false)
        case .lost: break
        case .noProject where manner.isInPlace: try await begin(id, on: backend, .fresh, reason: reason)
        case .noProject: break
        }
    }

    private func note(_ waiting: Decision.Waiting, _ queue: TaskQueue) async throws(RecordError) {
        let reasons = waiting.reasons.map { "\($0.backend) \($0.reason.text)" }.joined(separator: "; ")
        let ids = queue.tasks(of: waiting.taskClass).map(\.id)
        let unmarked = ids.filter { parts.mirror.task($0)?.record.isWaiting != true }
        if !unmarked.isEmpty {
            try await parts.store.markWaiting(
                unmarked, reason: reasons.isEmpty ? "no backend is listed" : reasons, at: now)
            for id in unmarked { await parts.refresh(id) }
        }
        guard let since = waiting.impossibleSince else { return }
        for task in ids.compactMap({ queue[$0] })
        where now - max(since, task.queuedSince, startedAt) >= parts.impossibleAfter {
            _ = try await parts.store.failQueued(
                task.id, reason: "No listed backend can take this task: \(reasons)", webhook: parts.webhooks, at: now)
            await parts.refresh(task.id)
            parts.webhookWake.wake()
        }
    }

    // MARK: Transfers

    private func start(_ attempt: AttemptRecord, isResumed: Bool) {
        let id = attempt.attempt.task
        guard let member = parts.fleet.member(attempt.backend) else {
            parts.logger.warning(
                "attempt waits for a backend that is not listed",
                ["task": .string(id.string), "backend": .string(attempt.backend.string)])
            return
        }
        let slot = WakeUp()
        let transfer = parts.transfer(attempt, member, slot: slot)
        parts.fleet.change(attempt.backend) { $0.circuit.begin(at: now) }
        // Owned by this actor, which awaits it before `run()` returns: a group's children can't be stopped singly.
        let task = Task(executorPreference: loop) { [loop] in
            let end = await transfer.run(isResumed: isResumed)
            // A stopped transfer's task is cancelled, and the record refuses work from a cancelled task.
            await Task(executorPreference: loop) { await self.ended(attempt, end) }.value
        }
        transfers[id] = Running(attempt: attempt, task: task, slot: slot, holdsSlot: !attempt.isPrefetch)
    }

    private func ended(_ attempt: AttemptRecord, _ end: Transfer.End) async {
        let id = attempt.attempt.task
        if case .stopped = end, !isDraining {
            await settle(attempt)
            await parts.refresh(id)
        } else {
            await parts.refresh(id)
            // Together with the count below: between the two its slot would look free.
            forget(attempt)
        }
        parts.fleet.change(attempt.backend) { member in
            switch end {
            case .accepted:
                member.circuit.succeed()
                member.acceptedSinceRead += 1
            case .released(true, _): member.circuit.fail(at: now)
            case .released(false, _), .yielded, .stopped: member.circuit.endProbe()
            }
        }
        if case .yielded = end { parts.cleaning.wake() }
        parts.placement.wake()
    }

    private func forget(_ attempt: AttemptRecord) {
        let id = attempt.attempt.task
        if transfers[id]?.attempt.key == attempt.key { transfers[id] = nil }
    }

    /// What a stopped transfer leaves: a live attempt that nobody carries would keep its task from every other backend.
    ///
    /// A committing attempt is settled by looking, as after a restart, whatever its owner wishes: the commit may have won, and
    /// only an accepted attempt can be cancelled. Before that, a cancel or remove has ended the attempt itself.
    private func settle(_ attempt: AttemptRecord) async {
        let id = attempt.attempt.task
        do {
            let (record, _) = try await parts.durable.run { () throws(RecordError) in
                try await parts.store.record(of: id)
            }
            guard let live = record?.liveAttempt, live.key == attempt.key else { return forget(attempt) }
            switch live.state {
            case .recorded, .sending:
                try await giveUp(live, because: "another backend can take it sooner")
                parts.cleaning.wake()
                forget(attempt)
            case .committing:
                forget(attempt)
                start(live, isResumed: true)
            case .accepted, .ended: forget(attempt)
            }
        } catch {
            forget(attempt)
            parts.logger.error(
                "a stopped transfer could not be given up", ["task": .string(id.string), "error": .string("\(error)")])
        }
    }

    private func wake(after pause: Duration) {
        alarm?.cancel()
        let (placement, clock) = (parts.placement, parts.clock)
        alarm = Task(executorPreference: loop) {
            try? await clock.sleep(for: pause)
            placement.wake()
        }
    }

    // MARK: What the scheduler sees

    private func scheduled(_ row: Record.QueuedTask) -> Scheduling.QueuedTask {
        let valid = (try? parts.fleet.catalog.validate(optionsText: row.options).get()) ?? []
        let sent = Set(((try? JSONValue(parsing: row.options))?.array ?? []).compactMap { $0["name"]?.text })
        let names = Set(valid.map(\.name)).intersection(sent)
        var passedOver = Set(row.passedOver)
        if let bound = row.boundTo {
            passedOver.formUnion(parts.fleet.members.map(\.definition.name).filter { $0 != bound })
        }
        return Scheduling.QueuedTask(
            id: row.id, owner: OwnerID(row.owner ?? ""), images: row.images, size: row.bytes,
            requirements: Requirements(options: names), queuedSince: row.queuedAt, notBefore: row.notBefore,
            passedOver: passedOver, staged: transfers[row.id]?.attempt.backend)
    }

    private func snapshots() -> [BackendSnapshot] {
        parts.fleet.members.map { member in
            let name = member.definition.name
            let sending = transfers.values.count { $0.attempt.backend == name && $0.holdsSlot }
            var snapshot = BackendSnapshot(
                name: name, kind: member.definition.kind, tier: member.definition.tier,
                weight: member.definition.weight,
                labels: member.definition.labels, load: member.load,
                options: member.catalog.map { EngineOptions($0.definitions.map(\.name)) })
            snapshot.isOnline = member.isOnline(offlineAfter: parts.fleet.offlineAfter)
            snapshot.isLocked = member.switches.isLocked
            snapshot.isDraining = member.switches.isDraining
            snapshot.isRetired = member.switches.isRetired
            snapshot.breaker = member.circuit.state(at: now)
            snapshot.maxParallelTasks = member.definition.maxParallelTasks
            snapshot.maxImages = member.definition.maxImages
            snapshot.placementsUnseen = sending + member.acceptedSinceRead
            snapshot.endsUnseen = member.endedSinceRead
            let placed = parts.mirror.watched(on: name)
            snapshot.ownUnfinished = placed.count + sending
            snapshot.ownWork = placed.reduce(0) { sum, id in
                guard let record = parts.mirror.task(id)?.record else { return sum }
                return sum + Double(max(1, record.images)) * (1 - record.progress / 100)
            }
            return snapshot
        }
    }

    private func shares() -> [OwnerID: OwnerShare] { [:] }
    private var now: Timestamp { parts.clock.timestamp }
}

extension AttemptManner {
    fileprivate var isInPlace: Bool {
        switch self {
        case .inPlace: true
        case .fresh, .prefetch: false
        }
    }
}
