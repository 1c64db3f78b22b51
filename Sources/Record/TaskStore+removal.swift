public import Model
internal import SQL

/// Remove, by the owner or by retention: hidden at once, then carried out in steps that may be repeated.
///
/// The copies on backends become clean-ups in the same transaction. What remains is storage: the remover lists
/// `removals()`, deletes the task's stored inputs and results, then calls `delete`.
extension TaskStore {
    /// The owner wants the task to be forgotten.
    public func requestRemove(
        _ task: TaskID, for scope: OwnerScope, at: Timestamp
    ) async throws(RecordError) -> RemoveOutcome {
        try await transition(at: at) { transition in
            guard let record = try await transition.lock(task, for: scope), record.isCommitted else { return .unknown }
            return .removing(interrupted: try await transition.remove(record, .removeRequested, ""))
        }
    }

    /// Gives an upload up that isn't committed: refused at its commit, or, where a moment is given, without data since.
    public func abandonUpload(
        _ task: TaskID, lastDataBefore before: Timestamp? = nil, reason: String, at: Timestamp
    ) async throws(RecordError) -> Bool {
        try await guardedTransition(at: at) { transition in
            guard let record = try await transition.lock(task), record.state == .receiving, record.intent == .none
            else {
                throw GuardFailed()
            }
            if let before {
                let newer = try await transition.session.query(SQLText.newFile(SQLValue(task), SQLValue(before)))
                guard record.lastDataAt < before, newer.isEmpty else { throw GuardFailed() }
            }
            _ = try await transition.remove(record, .uploadAbandoned, reason)
        }
    }

    /// Removes a task whose retention is over, unless it was restarted or downloaded meanwhile.
    public func expire(_ task: TaskID, keptFromBefore before: Timestamp, at: Timestamp) async throws(RecordError)
        -> Bool
    {
        try await guardedTransition(at: at) { transition in
            guard let record = try await transition.lock(task), record.state.isFinal, record.intent == .none,
                let keptFrom = record.keptFrom, keptFrom < before
            else { throw GuardFailed() }
            _ = try await transition.remove(record, .removeRequested, "its retention is over")
        }
    }

    /// The tasks whose stored inputs and results are to be deleted; also those of an earlier run of the program.
    public func removals(limit: Int = 100) async throws(RecordError) -> [TaskRecord] {
        try await rows(of: SQLText.removals(SQLValue(limit))) { row in try TaskRecord(joined: row) }
    }

    /// Deletes all rows of a task that is being removed. Its clean-ups and webhooks with a payload stay.
    /// - Returns: false if it isn't being removed, or is gone.
    public func delete(_ task: TaskID, at: Timestamp) async throws(RecordError) -> Bool {
        try await guardedTransition(at: at) { transition in
            guard let record = try await transition.lock(task), record.intent == .remove else { throw GuardFailed() }
            for statement in SQLText.deletions { try await transition.session.execute(statement(SQLValue(task))) }
            try await transition.change(SQLText.delete(SQLValue(task)))
            transition.moved(record, to: nil)
        }
    }

    private enum SQLText {
        static let removals = Statement(
            "task.removals", "\(TaskRecord.joined) WHERE tasks.intent = 'remove' ORDER BY tasks.id LIMIT $1")
        static let newFile = Statement(
            "file.newer", "SELECT 1 FROM files WHERE task = $1 AND stored_at >= $2 LIMIT 1")
        static let deletions = [
            Statement("task.delete_files", "DELETE FROM files WHERE task = $1"),
            Statement("task.delete_output", "DELETE FROM output WHERE task = $1"),
            Statement("task.delete_events", "DELETE FROM events WHERE task = $1"),
            Statement("task.delete_attempts", "DELETE FROM attempts WHERE task = $1"),
            Statement(
                "task.delete_webhooks",
                "DELETE FROM webhooks WHERE task = $1 AND (state <> 'pending' OR payload IS NULL)"),
        ]
        static let delete = Statement("task.delete", "DELETE FROM tasks WHERE id = $1 AND intent = 'remove'")
    }
}

extension Transition {
    /// Hides a task, ends its live attempt, and hands all of its copies to the clean-ups.
    fileprivate func remove(_ task: TaskRecord, _ event: EventKind, _ reason: String) async throws -> AttemptRecord? {
        let attempt = task.liveAttempt
        if let attempt { try await end(attempt, .removed) }
        try await leaveAllCopies(of: task.id)
        try await change(RemovalText.hide(SQLValue(task.id), SQLValue(at)))
        if !task.state.isFinal { moved(task, to: .canceled) }
        try await tell(event, of: task.id, attempt: attempt?.attempt.number, on: attempt?.backend, reason)
        return attempt
    }
}

private enum RemovalText {
    static let hide = Statement(
        "task.hide",
        """
        UPDATE tasks SET intent = 'remove', fetching = 0, ended_at = COALESCE(ended_at, $2),
            state = CASE WHEN state IN ('completed', 'failed', 'canceled') THEN state ELSE 'canceled' END
        WHERE id = $1 AND intent <> 'remove'
        """)
}
