internal import Backends
internal import Model
internal import NodeODM
internal import Observability
internal import Reactor
internal import Record
internal import Scheduling

/// Carries one attempt from its recording to the backend's acceptance.
///
/// `DispatchStateMachine` decides, this acts. Every step is recorded before it is taken, so that whoever finds the attempt after a
/// crash knows what may have happened.
struct Transfer: Sendable {
    /// What became of the attempt.
    enum End: Sendable {
        /// The backend has the task.
        case accepted
        /// The task is back in the queue, or failed for good.
        case released(backendFailed: Bool, outcome: EndOutcome)
        /// Somebody else decides about it now.
        case yielded
        /// The program ends.
        case stopped

        /// For traces.
        var word: String {
            switch self {
            case .accepted: "accepted"
            case .released: "released"
            case .yielded: "yielded"
            case .stopped: "stopped"
            }
        }

        /// Whether the backend didn't take the task.
        var isFailure: Bool {
            if case .released = self { true } else { false }
        }
    }

    let attempt: AttemptRecord
    let backend: any Backend
    let mayCommitAgain: Bool
    let store: TaskStore
    let fleet: Fleet
    /// Where several gateways share the record: whether this one may still act.
    let duties: Duties
    let inputs: SubmissionBuilder
    let durable: Durable
    let clock: any WorldClock
    let random: any RandomBits
    let logger: Logger
    /// The inventory's `scheduling.attempts`.
    let attemptLimit: Int
    let webhooks: WebhookPolicy
    /// Opens when a prefetched task got its slot.
    let slot: WakeUp
    /// Where the dispatcher sees how far it is.
    let stage: TransferStage
    /// Counts failures.
    let metrics: GatewayMetrics

    /// Where neither the task nor the backend's circuit waits, so that one that fails at once isn't tried in a tight loop.
    private static let uncountedPause = Duration.seconds(5)

    /// So much a node's clock may be behind.
    private static let clockGrace = Duration.seconds(60)

    /// Runs to the attempt's acceptance or release.
    /// - Parameter isResumed: whether an earlier life of the program left it committing.
    /// - Returns: what became of it.
    func run(isResumed: Bool) async -> End {
        do {
            return try await perform(isResumed: isResumed)
        } catch {
            // A stopped transfer is told of it by whatever it waits for; only other errors are news.
            if !Task.isCancelled {
                logger.error(
                    "transfer broke off",
                    ["task": .string(attempt.attempt.task.string), "error": .string(String(describing: error))])
            }
            return .stopped
        }
    }

    private func perform(isResumed: Bool) async throws -> End {
        var machine = DispatchStateMachine(
            isPrefetch: attempt.isPrefetch, mayCommitAgain: mayCommitAgain, isInPlace: attempt.isInPlace)
        var current = attempt.attempt
        var failure = ""
        // As the backend calls the task, where it chooses names itself.
        var name: BackendTaskID?
        var action = isResumed ? machine.resumeCommitting() : machine.start()
        while true {
            switch action {
            case .markSending: action = try await mark(&machine, .sending)
            case .stage: action = await stage(&machine, current, &failure)
            case .renameIdentity:
                current.backendTask = backend.identity(
                    for: current.task, attempt: current.number, isFresh: true, random: random)
                action = try await rename(&machine, to: current.backendTask)
            case .awaitSlot:
                stage.enter(.staged)
                for await _ in slot.wakeUps() { break }
                try Task.checkCancellation()
                action = machine.promoted()
            case .markCommitting:
                stage.enter(.committing)
                action = try await mark(&machine, .committing)
            case .commit: action = await commit(&machine, current, &name, &failure)
            case .lookUp: action = await lookUp(&machine, current, &name, &failure)
            case .proveAbsent: action = await proveAbsent(&machine, current, &failure)
            case .hold: action = try await hold(&machine, because: failure)
            case .wait(let pause):
                try await clock.sleep(for: pause)
                action = machine.waited()
            case .probe: action = machine.probed(answers: (try? await backend.load()) != nil)
            case .accept: return try await accept(as: name)
            case .release(let release): return try await give(back: release, because: failure)
            case .yield: return .yielded
            case .stop: return .stopped
            }
        }
    }

    // MARK: Steps in the record

    private func mark(
        _ machine: inout DispatchStateMachine, _ state: Attempt.State
    ) async throws -> DispatchStateMachine.Action {
        let (isOurs, isUnsure) = try await durable.run { () throws(RecordError) in
            state == .sending
                ? try await store.markSending(attempt.key, at: now)
                : try await store.markCommitting(attempt.key, at: now)
        }
        if isOurs { return machine.marked() }
        // A first try whose answer was lost may have been the one that took effect.
        if isUnsure, try await isRecorded(as: state) { return machine.marked() }
        return machine.lostClaim()
    }

    private func rename(
        _ machine: inout DispatchStateMachine, to name: BackendTaskID
    ) async throws -> DispatchStateMachine.Action {
        let (isOurs, _) = try await durable.run { () throws(RecordError) in
            try await store.rename(attempt.key, to: name, at: now)
        }
        return isOurs ? machine.marked() : machine.lostClaim()
    }

    private func accept(as name: BackendTaskID?) async throws -> End {
        let (isOurs, isUnsure) = try await durable.run { () throws(RecordError) in
            try await store.markAccepted(attempt.key, as: name, at: now)
        }
        if isOurs { return .accepted }
        guard isUnsure else { return .yielded }
        return try await isRecorded(as: .accepted) ? .accepted : .yielded
    }

    /// Says once that the task waits for an operator; the backend takes other tasks meanwhile.
    private func hold(
        _ machine: inout DispatchStateMachine, because reason: String
    ) async throws -> DispatchStateMachine.Action {
        let (outcome, _) = try await durable.run { () throws(RecordError) in
            try await store.hold(attempt.key, reason: reason, at: now)
        }
        switch outcome {
        case .lost: return machine.lostClaim()
        case .wasHeld: break
        case .held:
            fleet.change(attempt.backend) { $0.circuit.endProbe() }
            logger.warning(
                "a submission's outcome can't be found out, and its task waits for an operator",
                [
                    "task": .string(attempt.attempt.task.string), "backend": .string(attempt.backend.string),
                    "reason": .string(reason),
                ])
        }
        return machine.held()
    }

    private func isRecorded(as state: Attempt.State) async throws -> Bool {
        let (record, _) = try await durable.run { () throws(RecordError) in
            try await store.record(of: attempt.attempt.task)
        }
        return record?.attempt?.key == attempt.key && record?.attempt?.state == state
    }

    private func give(back release: DispatchStateMachine.Release, because failure: String) async throws -> End {
        let (record, _) = try await durable.run { () throws(RecordError) in
            try await store.record(of: attempt.attempt.task)
        }
        let failures = record?.failures ?? 0
        let isCommitted = record?.attempt?.state == .committing
        let back = Release(
            proof: isCommitted ? .backendDisowns : .nothingCommitted, isCounted: release.isCounted,
            reason: failure.isEmpty ? "the backend doesn't have the task" : failure, limit: attemptLimit,
            retryAt: release.isCounted
                ? now + CountedPause.after(failures) : release.pauses ? now + Self.uncountedPause : nil,
            passesOver: release.passesOver,
            leftover: release.leavesArea ? .discard : release.expectsLateCopy ? .remove : nil,
            projectStays: release.projectStays)
        // Before its task is back in the queue, or the next pass would place it, and others, there once more.
        if release.opensCircuit { fleet.change(attempt.backend) { $0.circuit.fail(at: now) } }
        let (outcome, _) = try await durable.run { () throws(RecordError) in
            try await store.release(attempt.key, back, webhook: webhooks, at: now)
        }
        logger.warning(
            "attempt given back",
            [
                "task": .string(attempt.attempt.task.string), "backend": .string(attempt.backend.string),
                "reason": .string(back.reason), "counted": .string(String(release.isCounted)),
            ])
        return .released(backendFailed: release.opensCircuit, outcome: outcome)
    }

    // MARK: Steps on the backend

    private func stage(
        _ machine: inout DispatchStateMachine, _ attempt: Attempt, _ failure: inout String
    ) async -> DispatchStateMachine.Action {
        do throws(BackendError) {
            if self.attempt.isInPlace { return machine.staged() }
            guard duties.isMine(.transferring) else { return .stop }
            let submission = try await inputs.submission(of: attempt, to: backend)
            try await backend.stage(attempt, submission)
            return machine.staged()
        } catch {
            failure = error.message
            metrics.noteDispatchFailure(on: backend.name, error.code)
            return machine.stageFailed(error.code)
        }
    }

    private func commit(
        _ machine: inout DispatchStateMachine, _ attempt: Attempt, _ name: inout BackendTaskID?,
        _ failure: inout String
    ) async -> DispatchStateMachine.Action {
        // Another gateway may have begun to settle this attempt: then nothing leaves here any more.
        guard duties.isMine(.transferring) else { return .stop }
        do throws(BackendError) {
            if self.attempt.isInPlace {
                try await backend.restart(
                    attempt.backendTask, options: try await inputs.options(of: attempt, on: backend))
            } else {
                name = try await backend.commit(attempt)
            }
            return machine.committed()
        } catch {
            failure = error.message
            metrics.noteDispatchFailure(on: backend.name, error.code)
            return machine.commitFailed(error.code)
        }
    }

    private func lookUp(
        _ machine: inout DispatchStateMachine, _ attempt: Attempt, _ name: inout BackendTaskID?,
        _ failure: inout String
    ) async -> DispatchStateMachine.Action {
        do throws(BackendError) {
            let info = try await backend.status(of: attempt.backendTask, outputFrom: nil)
            if backend.choosesNames { name = BackendTaskID(info.uuid) }
            guard self.attempt.isInPlace else { return machine.found() }
            // The node resets dateCreated at a restart: an older one means that the restart never arrived.
            // Clocks differ a little; what has ended may be an earlier run that was short, and has no such grace.
            let grace = info.status.isFinal ? Duration.zero : Self.clockGrace
            let isRestarted = info.dateCreated + grace >= self.attempt.recordedAt
            return isRestarted ? machine.found() : machine.notFound()
        } catch {
            if error.code == .cancelled { return .stop }
            failure = error.message
            return error.code == .unknownTask ? machine.notFound() : machine.unreachable()
        }
    }

    private func proveAbsent(
        _ machine: inout DispatchStateMachine, _ attempt: Attempt, _ failure: inout String
    ) async -> DispatchStateMachine.Action {
        do throws(BackendError) {
            switch try await backend.discard(attempt) {
            case .discarded: return machine.discarded()
            // Looked at once more, it tells its name.
            case .wasAccepted: return backend.choosesNames ? machine.unreachable() : machine.found()
            case .undecidable(let reason):
                failure = reason
                return machine.undecidable()
            }
        } catch {
            if error.code == .cancelled { return .stop }
            failure = error.message
            return machine.unreachable()
        }
    }

    private var now: Timestamp { clock.timestamp }
}
