public import Model
internal import SQL

/// What became of an operator's wish to move a task.
public enum MoveOutcome: Sendable, Equatable {
    /// It waits in the queue, and nothing of it can run anywhere. `interrupted` had not been committed: whoever sends its inputs
    /// has to stop.
    case queued(interrupted: AttemptRecord?)
    /// The attempt's backend is to be told to end it; once that is seen, the task is queued.
    case pending(AttemptRecord)
    /// Nothing is changed.
    case refused(MoveRefusal)
}

/// Why a task can't be moved as it is now.
public enum MoveRefusal: Sendable, Equatable {
    /// There is no such task.
    case unknown
    /// Its files are still arriving.
    case receiving
    /// It is over, in this state.
    case over(TaskState)
    /// Its owner has it cancelled or restarted: it leaves its backend anyway.
    case ending
    /// It went on since it was looked at: its attempt is another one by now.
    case wentOn
    /// Another gateway is sending its inputs, and only that one can stop.
    case sentByAnother(BackendName)
    /// Nobody can tell whether its backend has it: only an operator's word releases it.
    case held(BackendName)
    /// It needs the project that only this backend holds.
    case bound(to: BackendName)
    /// Its inputs were given up, so that it can't be sent again.
    case inputsExpired
}

/// Tasks that an operator takes off their backend (rules: *Never twice*, a and c).
extension TaskStore {
    /// An operator wants a task to run elsewhere than where it is.
    ///
    /// What wasn't committed ends at once. What was is marked: its backend is told to end it, and only when that is seen, and the
    /// run hasn't ended by itself before, the task goes back to the queue.
    /// - Parameters:
    ///   - task: any task.
    ///   - seen: its live attempt, as the caller saw it; nil where it had none.
    ///   - passingOver: the backends that are passed over for it from now on, until all others have refused it.
    ///   - carrier: the caller's lease, under which it may stop a transfer; nil where there is but one gateway.
    ///   - reason: for people.
    ///   - at: now.
    /// - Returns: what became of it.
    /// - Throws: `RecordError`.
    public func requestMove(
        _ task: TaskID, from seen: AttemptKey?, passingOver: [BackendName], by carrier: String?, reason: String,
        at: Timestamp
    ) async throws(RecordError) -> MoveOutcome {
        try await transition(at: at) { transition in
            guard let record = try await transition.lock(task, for: .everything) else { return .refused(.unknown) }
            if let refusal = record.refusalToMove(from: seen, by: carrier) { return .refused(refusal) }
            try await transition.tell(.moveRequested, of: task, on: record.liveAttempt?.backend, reason)
            let entry = QueueEntry(failures: record.failures, passedOver: passingOver)
            guard let attempt = record.liveAttempt else {
                _ = try await transition.requeue(record, entry)
                return .queued(interrupted: nil)
            }
            guard attempt.mayHaveStarted else {
                try await transition.giveUp(attempt, .released, failure: reason)
                _ = try await transition.requeue(record, entry)
                return .queued(interrupted: attempt)
            }
            return .pending(try await transition.markMoving(record, attempt, passingOver: passingOver))
        }
    }
}

extension TaskRecord {
    fileprivate func refusalToMove(from seen: AttemptKey?, by carrier: String?) -> MoveRefusal? {
        if state == .receiving { return .receiving }
        if state.isFinal { return .over(state) }
        if intent != .none { return .ending }
        if liveAttempt?.key != seen { return .wentOn }
        if let boundTo { return .bound(to: boundTo) }
        if inputsExpiredAt != nil { return .inputsExpired }
        guard let attempt = liveAttempt else { return nil }
        if attempt.isHeld { return .held(attempt.backend) }
        // An attempt of which nothing was sent is rewritten for the next backend under its own number: its gateway wouldn't notice.
        if !attempt.mayHaveStarted, attempt.carrier != carrier { return .sentByAnother(attempt.backend) }
        return nil
    }
}

extension AttemptRecord {
    /// Whether its commit may have left.
    fileprivate var mayHaveStarted: Bool { state == .committing || state == .accepted }
}

extension Transition {
    fileprivate func markMoving(
        _ task: TaskRecord, _ attempt: AttemptRecord, passingOver: [BackendName]
    ) async throws -> AttemptRecord {
        try await change(MoveText.passOver(SQLValue(task.id), .text(PassedOver.column(of: passingOver))))
        try await change(MoveText.mark(SQLValue(task.id), SQLValue(attempt.attempt.number)))
        var marked = attempt
        (marked.cancelIsWanted, marked.isMoving) = (true, true)
        return marked
    }
}

/// The statements of moving.
private enum MoveText {
    static let passOver = Statement("task.pass_over", "UPDATE tasks SET passed_over = $2 WHERE id = $1")
    static let mark = Statement(
        "attempt.move",
        "UPDATE attempts SET cancel = 1, moving = 1 WHERE task = $1 AND number = $2 AND state IN ('committing', 'accepted')"
    )
}
