internal import Model
internal import Observability
internal import Record

/// What an operator moves away from a backend at once (rules: *Never twice*, d).
extension Dispatcher {
    /// What became of the tasks on an evacuated backend.
    struct Evacuation: Sendable, Equatable {
        /// They are started elsewhere.
        var moved = 0
        /// They can't be: their inputs are gone, or they need the project there.
        var left = 0
    }

    /// Gives up every attempt on a backend. What it still has of them is removed when it answers.
    ///
    /// Its caller has switched it to draining, so that nothing is placed there again.
    /// - Throws: `RecordError`; what was given up until then stays so.
    func evacuate(_ name: BackendName) async throws(RecordError) -> Evacuation {
        var evacuation = Evacuation()
        let reason = "an operator evacuated \(name)"
        for record in try await parts.store.live(on: name) {
            guard let attempt = record.liveAttempt else { continue }
            guard attempt.state == .committing || attempt.state == .accepted else {
                // Nothing has started: it is taken back as for any other move.
                stop(record.id, because: reason)
                evacuation.moved += 1
                continue
            }
            guard record.canLeave else {
                evacuation.left += 1
                continue
            }
            let outcome = try await parts.store.fence(
                attempt.key, reason: reason, isFinal: true, webhook: parts.webhooks, at: now)
            await parts.refresh(record.id)
            guard outcome != .lost else { continue }
            stop(record.id, because: reason)
            evacuation.moved += 1
        }
        parts.logger.warning(
            "backend evacuated",
            [
                "backend": .string(name.string), "moved": .number(evacuation.moved), "left": .number(evacuation.left),
            ])
        parts.cleaning.wake()
        parts.placement.wake()
        parts.webhookWake.wake()
        return evacuation
    }
}

extension TaskRecord {
    /// Whether its run can be given up: it is unwanted anyway, or can be begun elsewhere.
    fileprivate var canLeave: Bool {
        switch intent {
        case .cancel, .remove: true
        case .none, .restart: boundTo == nil && inputsExpiredAt == nil
        }
    }
}
