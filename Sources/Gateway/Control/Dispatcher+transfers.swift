internal import Model
internal import Observability
internal import Reactor
internal import Record
internal import Scheduling

/// What carries attempts out, and what a stopped one leaves.
extension Dispatcher {
    /// From a step that the record refused to the next try.
    private static let patience = Duration.seconds(5)

    /// Stops a transfer whose task its owner has cancelled or removed.
    func stop(_ id: TaskID) { stop(id, because: "its owner gave it up") }

    func stop(_ id: TaskID, because reason: String) {
        guard let running = transfers[id], running.stopReason == nil else { return }
        transfers[id]?.stopReason = reason
        running.task.cancel()
    }

    /// Stops what can't come to anything: inputs on their way to a backend that doesn't answer any more or gets nothing new, and
    /// attempts in whose place an older one was taken back.
    func stopUseless() {
        if !parts.duties.isMine(.transferring) {
            for id in transfers.keys { stop(id, because: "this gateway's lease has run out") }
            return
        }
        for (id, running) in transfers {
            let isStaging = running.stage.step == .sending
            if !running.holdsSlot, running.wasStaging != isStaging {
                transfers[id]?.wasStaging = isStaging
                queue.touch(id)
            }
            let member = parts.fleet.member(running.attempt.backend)
            let isOnline = member?.isOnline(offlineAfter: parts.fleet.offlineAfter)
            if isStaging, !running.attempt.isInPlace, let switches = member?.switches,
                switches.isDraining || switches.isRetired
            {
                stop(
                    id, because: "\(running.attempt.backend) \((switches.isRetired ? Reason.retired : .draining).text)")
            } else if isStaging, isOnline == false {
                stop(id, because: "the backend doesn't answer any more, and nothing was started there")
            } else if let record = parts.mirror.task(id)?.record, record.state == .placed,
                let placed = record.attempt, placed.key != running.attempt.key
            {
                stop(id, because: "an earlier attempt goes on")
            }
        }
    }

    /// An operator says that a task which is held doesn't run on its backend: it is placed anew. Should it turn up there all the
    /// same, within a while, it is removed.
    /// - Returns: what became of it: queued, or canceled where its owner wished that; `lost` where it isn't held.
    /// - Throws: `RecordError`.
    func release(_ id: TaskID) async throws(RecordError) -> EndOutcome {
        let outcome = try await parts.store.releaseHeld(id, webhook: parts.webhooks, at: now)
        guard outcome != .lost else { return outcome }
        stop(id, because: "an operator released it")
        await parts.refresh(id)
        for wakeUp in [parts.placement, parts.cleaning, parts.webhookWake] { wakeUp.wake() }
        return outcome
    }

    // MARK: Recovery

    /// Takes up live attempts that nobody carries, left by an earlier life or by a transition whose answer was lost: committing
    /// ones are settled by looking, others end and go back to the queue. Where several gateways share the record, so are those of
    /// one that is gone.
    func recover() async throws {
        var foreign: [TaskID: AttemptRecord] = [:]
        let (live, _) = try await parts.durable.run { () throws(RecordError) in try await parts.store.live() }
        for record in live {
            guard let attempt = record.liveAttempt else { continue }
            if let running = transfers[record.id], running.attempt.key == attempt.key {
                if !attempt.isPrefetch, !running.holdsSlot { giveSlot(to: record.id) }
                continue
            }
            guard attempt.state != .accepted else { continue }
            guard try await mayTakeUp(attempt) else {
                guard isInCharge else { continue }
                if attempt.isPrefetch {
                    // It waits for a slot that only who sent it ahead would give it.
                    try await giveUp(attempt, because: "another gateway decides by now", mayBeSent: true)
                } else {
                    foreign[record.id] = attempt
                }
                continue
            }
            switch attempt.state {
            case .committing: try await takeOver(attempt)
            case .recorded, .sending: try await giveUp(attempt, because: "it was interrupted before the commit")
            case .accepted, .ended: break
            }
        }
        self.foreign = foreign
        if !foreign.isEmpty { wake(after: Self.patience) }
    }

    /// Tells a transfer whose inputs were sent ahead that the record gave it a slot.
    func giveSlot(to id: TaskID) {
        guard let running = transfers[id] else { return }
        transfers[id]?.holdsSlot = true
        queue.touch(id)
        parts.fleet.change(running.attempt.backend) { $0.circuit.begin(at: now) }
        running.slot.wake()
    }

    /// Ends an attempt whose commit was never sent, so that its task is placed anew. Its inputs may be on their way by now although
    /// they weren't when it was read (`mayBeSent`).
    private func giveUp(_ attempt: AttemptRecord, because reason: String, mayBeSent: Bool = false) async throws {
        let isSent = mayBeSent || attempt.state == .sending
        let leftover: CleanupKind? = isSent && !attempt.isInPlace ? .discard : nil
        let release = Record.Release(
            proof: .nothingCommitted, reason: reason, leftover: leftover)
        let isOurs = attempt.carrier == parts.duties.carrier
        let store = parts.duties.store(parts.store, for: isOurs ? .transferring : .scheduling)
        _ = try await parts.durable.run { () throws(RecordError) in
            try await store.release(attempt.key, release, at: now)
        }
        await parts.refresh(attempt.attempt.task)
    }

    // MARK: Transfers

    func start(_ attempt: AttemptRecord, isResumed: Bool) {
        let id = attempt.attempt.task
        guard let member = parts.fleet.member(attempt.backend) else {
            parts.logger.warning(
                "attempt waits for a backend that is not listed",
                ["task": .string(id.string), "backend": .string(attempt.backend.string)])
            return
        }
        if isDraining { return }
        guard parts.duties.isMine(.transferring) else {
            mayHaveLost = true
            return wake(after: Self.patience)
        }
        let (slot, stage) = (WakeUp(), TransferStage(isResumed ? .committing : .sending))
        let transfer = parts.transfer(attempt, member, slot: slot, stage: stage)
        // What only sends inputs ahead waits for a slot, and what is looked for may wait for an operator: were they the one try
        // of a backend that failed, it would get no other.
        if !isResumed, !attempt.isPrefetch { parts.fleet.change(attempt.backend) { $0.circuit.begin(at: now) } }
        // Owned by this actor, which awaits it before `run()` returns: a group's children can't be stopped singly.
        let task = Task(executorPreference: loop) { [loop] in
            let end = await self.traced(attempt) { await transfer.run(isResumed: isResumed) }
            // A stopped transfer's task is cancelled, and the record refuses work from a cancelled task.
            await Task(executorPreference: loop) { await self.ended(attempt, end) }.value
        }
        transfers[id] = RunningTransfer(
            attempt: attempt, task: task, slot: slot, stage: stage, holdsSlot: !attempt.isPrefetch)
        queue.touch(id)
    }

    /// Runs a transfer as a trace of its own, since the request that committed its task ended long ago.
    private nonisolated func traced(
        _ attempt: AttemptRecord, _ run: @Sendable () async -> Transfer.End
    ) async -> Transfer.End {
        let trace = TraceContext(isSampled: parts.spans != nil)
        let begin = WallTime.nanoseconds
        let end = await TraceContext.$current.withValue(trace) { await run() }
        parts.spans?.add(
            Span(
                context: trace, kind: .inside, name: "transfer", begin: begin, end: WallTime.nanoseconds,
                attributes: [
                    ("scaleodm.task", .string(attempt.attempt.task.string)),
                    ("scaleodm.backend", .string(attempt.backend.string)),
                    ("scaleodm.attempt", .number(attempt.attempt.number)), ("scaleodm.outcome", .string(end.word)),
                ],
                failure: end.isFailure ? end.word : nil))
        return end
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
            // The circuit was told before the record.
            case .released(true, _): break
            case .released(false, _), .yielded, .stopped: member.circuit.endProbe()
            }
        }
        if case .yielded = end { parts.cleaning.wake() }
        parts.placement.wake()
    }

    private func forget(_ attempt: AttemptRecord) {
        let id = attempt.attempt.task
        guard transfers[id]?.attempt.key == attempt.key else { return }
        transfers[id] = nil
        queue.touch(id)
    }

    /// What a stopped transfer leaves: a live attempt that nobody carries would keep its task from every other backend.
    ///
    /// A committing attempt is settled by looking, as after a restart, whatever its owner wishes: the commit may have won, and
    /// only an accepted attempt can be cancelled. Before that, a cancel or remove has ended the attempt itself.
    private func settle(_ attempt: AttemptRecord) async {
        let id = attempt.attempt.task
        do {
            // One that broke off by itself would do so again at once: the record refuses its step.
            if let running = transfers[id], running.attempt.key == attempt.key, running.stopReason == nil {
                try await parts.clock.sleep(for: Self.patience)
            }
            let (record, _) = try await parts.durable.run { () throws(RecordError) in
                try await parts.store.record(of: id)
            }
            guard let live = record?.liveAttempt, live.key == attempt.key else { return forget(attempt) }
            let reason = transfers[id].flatMap { $0.attempt.key == attempt.key ? $0.stopReason : nil }
            switch live.state {
            case .recorded, .sending:
                try await giveUp(live, because: reason ?? "its transfer broke off")
                parts.cleaning.wake()
                forget(attempt)
            case .committing:
                forget(attempt)
                start(live, isResumed: true)
            case .accepted, .ended: forget(attempt)
            }
        } catch {
            forget(attempt)
            mayHaveLost = true
            wake(after: Self.patience)
            parts.logger.error(
                "a stopped transfer could not be given up", ["task": .string(id.string), "error": .string("\(error)")])
        }
    }
}
