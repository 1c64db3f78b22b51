internal import Backends
internal import Model
internal import NodeODM
internal import Observability
internal import Record

/// Decides about tasks that a backend still has when it returns after it was given up (rules: *dead_after*).
struct ReturnedCopies: Sendable {
    let parts: DispatchParts

    /// What is to be done about an old copy.
    enum Verdict: Equatable {
        /// It is taken back; a younger attempt is removed.
        case adopt
        /// It is removed.
        case drop
    }

    /// - Parameters:
    ///   - code: what the backend says of the old copy; nil: it doesn't have it.
    ///   - youngerIsAccepted: whether another backend has the task by now.
    /// - Returns: what becomes of the old copy.
    static func verdict(on code: StatusCode?, youngerIsAccepted: Bool) -> Verdict {
        guard let code else { return .drop }
        return !youngerIsAccepted || code == .completed ? .adopt : .drop
    }

    /// Settles all that was fenced on a backend that answers again.
    func settle(on member: FleetMember) async throws {
        for attempt in try await parts.store.fenced(on: member.definition.name) {
            guard let record = try await parts.store.record(of: attempt.attempt.task) else { continue }
            let code: StatusCode?
            do throws(BackendError) {
                code = try await member.backend.status(of: attempt.backendTask, outputFrom: nil).status
            } catch {
                guard error.code == .unknownTask else { return }
                code = nil
            }
            let isAccepted = record.liveAttempt.map { $0.state == .accepted && $0.key != attempt.key } ?? false
            try await carryOut(Self.verdict(on: code, youngerIsAccepted: isAccepted), attempt)
        }
    }

    private func carryOut(_ verdict: Verdict, _ attempt: AttemptRecord) async throws {
        let id = attempt.attempt.task
        let store = parts.duties.store(parts.store, for: .watching(attempt.backend))
        let isAdopted =
            verdict == .adopt
            ? try await store.adopt(attempt.key, reason: "\(attempt.backend) is back with it", at: now) : false
        if !isAdopted { _ = try await store.dropFenced(attempt.key, at: now) }
        await parts.refresh(id)
        parts.logger.info(
            isAdopted ? "a backend returned with its task, which goes on" : "a returned backend's old copy is removed",
            ["task": .string(id.string), "backend": .string(attempt.backend.string)])
        parts.placement.wake()
    }

    private var now: Timestamp { parts.clock.timestamp }
}
