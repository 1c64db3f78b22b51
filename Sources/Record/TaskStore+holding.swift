public import Model
internal import SQL

/// What became of the wish to hold a task.
public enum HoldOutcome: Sendable, Equatable {
    /// It waits for an operator from now on.
    case held
    /// It did before.
    case wasHeld
    /// That attempt isn't committing any more: somebody else was first.
    case lost
}

/// Tasks of which nobody can tell whether their backend has them (rules: *Never twice*, `on_unknown`).
///
/// Such a task stays with its attempt, which stays committing, and shows 20; the attempt's `failure` says why it is held. It goes
/// on when it turns up on its backend, or when an operator releases it.
extension TaskStore {
    /// Only an operator can say what became of a commit. The first time is an event.
    public func hold(_ key: AttemptKey, reason: String, at: Timestamp) async throws(RecordError) -> HoldOutcome {
        try await guardedTransition(at: at, or: .lost) { transition in
            let (_, attempt) = try await transition.lockLive(key)
            guard attempt.state == .committing else { throw GuardFailed() }
            if attempt.isHeld { return .wasHeld }
            try await transition.change(
                HoldText.hold(SQLValue(key.task), SQLValue(key.number), .cleaned(reason)))
            try await transition.tell(.outcomeUnknown, of: attempt, reason)
            return .held
        }
    }

    /// An operator says that a held task doesn't run on its backend: it goes back to the queue. Should it turn up there all the
    /// same, it is removed.
    /// - Returns: `.lost` where it isn't held; canceled where its owner wished that meanwhile.
    public func releaseHeld(
        _ task: TaskID, webhook: WebhookPolicy = .init(), at: Timestamp
    ) async throws(RecordError) -> EndOutcome {
        guard let attempt = try await record(of: task)?.liveAttempt, attempt.isHeld else { return .lost }
        let release = Release(
            proof: .operatorsWord, reason: "an operator says that it doesn't run on \(attempt.backend)",
            leftover: .remove)
        return try await self.release(attempt.key, release, webhook: webhook, at: at)
    }

    /// The tasks that wait for an operator, with the attempts that say why.
    public func held() async throws(RecordError) -> [TaskRecord] {
        try await rows(of: HoldText.held()) { row in try TaskRecord(joined: row) }
    }
}

/// The statements of holding.
private enum HoldText {
    static let hold = Statement(
        "attempt.hold",
        "UPDATE attempts SET failure = $3 WHERE task = $1 AND number = $2 AND state = 'committing'")
    static let held = Statement(
        "task.held",
        """
        \(TaskRecord.joined) WHERE attempts.state = 'committing' AND attempts.failure IS NOT NULL
        ORDER BY tasks.queued_at, tasks.id
        """)
}
