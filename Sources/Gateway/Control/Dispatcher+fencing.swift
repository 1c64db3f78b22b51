internal import Model
internal import Observability
internal import Reactor
internal import Record
internal import Scheduling

/// Tasks of dead backends (rules: *dead_after*): each is fenced, and started elsewhere, only when another backend has a free slot
/// for it. Until then its own backend may return and go on.
extension Dispatcher {
    /// The tasks on dead backends that another could run.
    func abandonable() async throws(RecordError) -> [TaskID: TaskRecord] {
        var found: [TaskID: TaskRecord] = [:]
        for member in parts.fleet.members where isDead(member) {
            for record in try await parts.store.live(on: member.definition.name) where record.mayBeAbandoned {
                found[record.id] = record
            }
        }
        return found
    }

    private func isDead(_ member: FleetMember) -> Bool {
        member.isDead && !member.isOnline(offlineAfter: parts.fleet.offlineAfter)
    }

    /// Gives an attempt up and starts its task on the backend that has a slot for it.
    func fence(_ record: TaskRecord, for placement: Placement) async throws(RecordError) {
        // It may have returned while this pass was under way.
        guard let attempt = record.liveAttempt, let member = parts.fleet.member(attempt.backend), isDead(member) else {
            return
        }
        let reason = "\(attempt.backend) has been silent for \(member.silence.components.seconds) s"
        let outcome = try await decided.fence(attempt.key, reason: reason, webhook: parts.webhooks, at: now)
        await parts.refresh(record.id)
        guard case .queued = outcome else { return }
        parts.logger.warning(
            "task given up on a silent backend",
            [
                "task": .string(record.id.string), "backend": .string(attempt.backend.string),
                "to": .string(placement.backend.string),
            ])
        stop(record.id, because: reason)
        _ = try await begin(
            record.id, on: placement.backend, .fresh, .fenced, reason: "\(reason); \(placement.text)")
    }
}

extension TaskRecord {
    /// Whether it may be started elsewhere while its backend is silent. What its owner cancelled or removed isn't, nor what needs
    /// the project there.
    fileprivate var mayBeAbandoned: Bool {
        guard let attempt = liveAttempt, attempt.state == .committing || attempt.state == .accepted else {
            return false
        }
        return (intent == .none || intent == .restart) && boundTo == nil && inputsExpiredAt == nil
    }
}
