public import Model
internal import SQL

/// Ends of tasks.
extension TaskStore {
    /// The backend says that the task is over.
    ///
    /// A task that its owner cancelled becomes canceled however the run ended; one that is to be restarted is queued. One that
    /// an operator moves is queued where its run was ended for that; an end of the run's own is the task's.
    /// The webhooks are in the outbox when this returns `.ended`.
    public func finish(
        _ key: AttemptKey, _ end: TaskEnd, webhook: WebhookPolicy = .init(), at: Timestamp
    ) async throws(RecordError) -> EndOutcome {
        try await guardedTransition(at: at, or: .lost) { transition in
            let (found, attempt) = try await transition.lockLive(key)
            var task = found
            // An end proves that the commit, whose answer got lost, was accepted.
            if attempt.state == .committing {
                try await transition.accept(attempt)
                transition.moved(task, to: .placed)
                task.state = .placed
            }
            guard attempt.state == .committing || attempt.state == .accepted else { throw GuardFailed() }
            let hasLeft = attempt.isMoving && task.intent == .none && end.state == .canceled
            if hasLeft { return try await transition.requeueMoved(task, attempt) }
            try await transition.end(attempt, AttemptOutcome(end.state), failure: end.errorMessage)
            switch task.intent {
            case .none: return try await transition.conclude(task, end, webhook)
            case .cancel, .remove: return try await transition.conclude(task, .canceled(), webhook)
            case .restart: return try await transition.requeue(task, QueueEntry(failures: 0))
            }
        }
    }

    /// The backend has ended the task as its owner wished: the same as an end with 50.
    public func confirmCancel(
        _ key: AttemptKey, webhook: WebhookPolicy = .init(), at: Timestamp
    ) async throws(RecordError) -> EndOutcome {
        try await finish(key, .canceled(), webhook: webhook, at: at)
    }

    /// A queued task can't go on: no backend could ever take it, or its inputs couldn't be fetched.
    /// - Returns: `.lost` if it isn't queued any more, or has been sent to a backend.
    public func failQueued(
        _ task: TaskID, reason: String, webhook: WebhookPolicy = .init(), at: Timestamp
    ) async throws(RecordError) -> EndOutcome {
        try await guardedTransition(at: at, or: .lost) { transition in
            guard let record = try await transition.lock(task), record.state == .queued, record.intent == .none else {
                throw GuardFailed()
            }
            if let attempt = record.liveAttempt { try await transition.giveUp(attempt, .released) }
            return try await transition.conclude(record, TaskEnd(code: .failed, errorMessage: reason), webhook)
        }
    }
}

extension Transition {
    /// The run of a task that is moved was seen to have ended for that: it waits for another backend.
    fileprivate func requeueMoved(_ task: TaskRecord, _ attempt: AttemptRecord) async throws -> EndOutcome {
        let reason = "its run on \(attempt.backend) was ended, so that it can begin anew elsewhere"
        try await end(attempt, .released, failure: reason)
        try await tell(.released, of: attempt, reason)
        return try await requeue(task, QueueEntry(failures: task.failures, passedOver: task.passedOver))
    }
}

extension AttemptOutcome {
    fileprivate init(_ state: TaskState) {
        switch state {
        case .completed: self = .completed
        case .canceled: self = .canceled
        case .failed, .receiving, .queued, .dispatching, .placed: self = .failed
        }
    }
}
