internal import Model
internal import Observability
internal import Reactor
internal import Record

/// One of several gateways on the same record (rules: *Mirror and replicas*): one decides, and takes up what another left.
extension Dispatcher {
    /// The store for what only the gateway decides that is in charge.
    var decided: TaskStore { parts.duties.store(parts.store, for: .scheduling) }

    /// Whether this gateway decides now, and could carry out what it decides.
    var isInCharge: Bool {
        guard !parts.duties.isAlone else { return true }
        return charge != nil && parts.duties.isMine(.scheduling) && parts.duties.isMine(.transferring)
    }

    /// Stops what this gateway may not do any more, whatever a pass waits for.
    func followDuties() {
        if !parts.duties.isMine(.transferring) { stopUseless() }
    }

    /// Follows the lease.
    /// - Returns: whether this gateway has come into charge, so that it has to look at what others left.
    func takeCharge() -> Bool {
        let duties = parts.duties
        guard !duties.isAlone else { return false }
        guard duties.isMine(.scheduling), duties.isMine(.transferring) else {
            charge = nil
            return false
        }
        let lease = duties.lease(.scheduling)
        defer { charge = lease }
        return lease != charge
    }

    /// Whether an attempt that isn't carried out here is to be taken up: our own, or one whose gateway is gone. That gateway can
    /// write nothing under its lease any more once this has returned true.
    func mayTakeUp(_ attempt: AttemptRecord) async throws -> Bool {
        let duties = parts.duties
        guard !duties.isAlone, attempt.carrier != duties.carrier else { return true }
        guard isInCharge else { return false }
        guard let carrier = attempt.carrier else { return true }
        let (isGone, _) = try await parts.durable.run { () throws(RecordError) in
            try await parts.fences?.fence(carrier) ?? false
        }
        return isGone
    }

    /// Settles a commit of which nobody here knows the outcome.
    func takeOver(_ attempt: AttemptRecord) async throws {
        var attempt = attempt
        if attempt.carrier != parts.duties.carrier {
            let (taken, _) = try await parts.durable.run { [attempt] () throws(RecordError) in
                try await decided.takeOver(attempt.key, by: parts.duties.carrier, at: now)
            }
            guard let taken else { return }
            parts.logger.info(
                "attempt taken over from another gateway",
                ["task": .string(attempt.attempt.task.string), "backend": .string(attempt.backend.string)])
            attempt = taken
        }
        start(attempt, isResumed: true)
    }

    /// Stops a transfer whose attempt another gateway has ended: by a cancel or a removal that a client asked for there.
    /// - Parameters:
    ///   - id: the task.
    ///   - record: as the record has it now; nil where it is gone or being removed.
    func follow(_ id: TaskID, _ record: TaskRecord?) {
        guard let running = transfers[id], running.stopReason == nil else { return }
        guard let record else { return stop(id) }
        let number = running.attempt.attempt.number
        if record.lastAttempt > number || record.attempt?.attempt.number == number && record.liveAttempt == nil {
            stop(id)
        }
    }
}
