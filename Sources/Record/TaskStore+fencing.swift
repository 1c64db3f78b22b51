public import Model
internal import SQL

/// Attempts that are given up while their backend is silent (rules, dead_after).
extension TaskStore {
    /// Gives an attempt up: the task may be started elsewhere, although its backend may still have it.
    /// - Parameters:
    ///   - key: an attempt whose commit may have left.
    ///   - reason: for people.
    ///   - isFinal: whether the old copy is removed whenever it is found, rather than taken back where it has gone on.
    ///   - webhook: told of an end.
    ///   - at: now.
    /// - Returns: what became of the task: queued, or canceled where its owner wished that.
    /// - Throws: `RecordError`.
    public func fence(
        _ key: AttemptKey, reason: String, isFinal: Bool = false, webhook: WebhookPolicy = .init(), at: Timestamp
    ) async throws(RecordError) -> EndOutcome {
        try await guardedTransition(at: at, or: .lost) { transition in
            let (task, attempt) = try await transition.lockLive(key)
            guard attempt.state == .committing || attempt.state == .accepted else { throw GuardFailed() }
            try await transition.end(attempt, .fenced, failure: reason)
            try await transition.change(SQLText.fence(SQLValue(key.task), SQLValue(key.number)))
            try await transition.tell(.fenced, of: attempt, reason)
            // What was to be moved away isn't taken back either.
            if isFinal || attempt.isMoving { try await transition.leave(attempt, .remove) }
            switch task.intent {
            case .none:
                var entry = QueueEntry(failures: task.failures)
                entry.passedOver = task.passedOver
                return try await transition.requeue(task, entry)
            case .restart:
                // Its owner gave that run up, so it isn't taken back; its cancel goes on as a removal.
                try await transition.leave(attempt, .remove)
                return try await transition.requeue(task, QueueEntry(failures: 0))
            case .cancel, .remove: return try await transition.conclude(task, .canceled(), webhook)
            }
        }
    }

    /// The fenced attempts whose old copy may still be on this backend: to be looked at when it is back.
    public func fenced(on backend: BackendName) async throws(RecordError) -> [AttemptRecord] {
        try await rows(of: SQLText.fenced(SQLValue(backend))) { row in
            var reader = RowReader(row)
            let task = try reader.task()
            return try AttemptRecord(reading: &reader, of: task)
        }
    }

    /// Takes a fenced attempt back: its backend returned with the task. A younger attempt ends and is cleaned up.
    /// - Returns: false if the task is over, to be cancelled or restarted, or the attempt isn't fenced any more.
    public func adopt(_ key: AttemptKey, reason: String, at: Timestamp) async throws(RecordError) -> Bool {
        try await guardedTransition(at: at) { transition in
            guard let task = try await transition.lock(key.task), !task.state.isFinal, task.intent == .none,
                let old = try await transition.attempt(key), old.isFenced, old.mayHaveCopy
            else { throw GuardFailed() }
            if let younger = task.liveAttempt {
                try await transition.end(younger, .superseded, failure: reason)
                if younger.mayHaveCopy {
                    try await transition.leave(younger, younger.committingAt == nil ? .discard : .remove)
                }
            }
            try await transition.change(SQLText.revive(SQLValue(key.task), SQLValue(key.number), SQLValue(at)))
            try await transition.change(SQLText.adopt(SQLValue(key.task), SQLValue(key.number)))
            try await transition.tell(.adopted, of: old, reason)
            transition.moved(task, to: .placed)
        }
    }

    /// A fenced attempt's old copy isn't wanted: it is to be removed.
    public func dropFenced(_ key: AttemptKey, at: Timestamp) async throws(RecordError) -> Bool {
        try await guardedTransition(at: at) { transition in
            guard try await transition.lock(key.task) != nil, let old = try await transition.attempt(key),
                old.isFenced, old.mayHaveCopy
            else { throw GuardFailed() }
            try await transition.leave(old, .remove)
        }
    }

    private enum SQLText {
        static let fence = Statement(
            "attempt.fence", "UPDATE attempts SET fenced = 1, copy = 1 WHERE task = $1 AND number = $2")
        static let fenced = Statement(
            "attempt.fenced",
            """
            SELECT tasks.spelling, \(AttemptRecord.columns) FROM attempts JOIN tasks ON tasks.id = attempts.task
            WHERE attempts.fenced = 1 AND attempts.copy = 1 AND attempts.backend = $1
            ORDER BY attempts.ended_at, attempts.task
            """)
        static let revive = Statement(
            "attempt.revive",
            """
            UPDATE attempts SET state = 'accepted', fenced = 0, outcome = NULL, failure = NULL, ended_at = NULL,
                accepted_at = COALESCE(accepted_at, $3)
            WHERE task = $1 AND number = $2 AND state = 'ended' AND fenced = 1
            """)
        static let adopt = Statement(
            "task.adopt",
            """
            UPDATE tasks SET state = 'placed', attempt = $2, owner_code = 20, waiting = 0, not_before = NULL
            WHERE id = $1 AND state IN ('queued', 'dispatching', 'placed')
            """)
    }
}
