import Model
import SQL

/// How a task goes back to the queue.
struct QueueEntry {
    var failures: Int
    var notBefore: Timestamp?
    var passedOver: [BackendName] = []
}

/// What several transitions do where an attempt or a task ends. The task's row is locked in all of them.
extension Transition {
    /// Ends a live attempt. What it may have left on its backend stays noted.
    func end(
        _ attempt: AttemptRecord, _ outcome: AttemptOutcome, isCounted: Bool = false, failure: String? = nil
    ) async throws {
        try await change(
            SQLText.end(
                SQLValue(attempt.attempt.task), SQLValue(attempt.attempt.number), SQLValue(outcome),
                SQLValue(isCounted), .cleaned(failure), SQLValue(at)))
    }

    /// Nothing of the attempt is on its backend any more.
    func forgetCopy(of attempt: AttemptRecord) async throws {
        try await session.execute(
            SQLText.forgetCopy(SQLValue(attempt.attempt.task), SQLValue(attempt.attempt.number)))
    }

    /// Ends a live attempt that isn't wanted any more, where nothing can have started: nothing to wait for.
    func giveUp(_ attempt: AttemptRecord, _ outcome: AttemptOutcome, failure: String? = nil) async throws {
        try await end(attempt, outcome, failure: failure)
        // A restart in place has no area: what is there under its name is the project of an earlier run.
        if attempt.isInPlace { return try await forgetCopy(of: attempt) }
        if attempt.state == .sending { try await leave(attempt, .discard) }
    }

    /// Puts the task back into the queue; its age there stays.
    func requeue(_ task: TaskRecord, _ entry: QueueEntry) async throws -> EndOutcome {
        try await change(
            SQLText.requeue(
                SQLValue(task.id), SQLValue(entry.failures), SQLValue(entry.notBefore),
                .text(PassedOver.column(of: entry.passedOver))))
        moved(task, to: .queued)
        return .queued(failures: entry.failures)
    }

    /// Brings the task to its end and puts its webhooks into the outbox; without a policy nobody is told. Its attempt has
    /// ended before.
    func conclude(_ task: TaskRecord, _ end: TaskEnd, _ webhook: WebhookPolicy?) async throws -> EndOutcome {
        let state = end.state
        try await change(SQLText.conclude(values(of: end, for: task)))
        moved(task, to: state)
        try await leaveFencedCopies(of: task.id)
        let kind: EventKind =
            switch end.code {
            case .completed: .completed
            case .failed: .failed
            default: .canceled
            }
        try await tell(
            kind, of: task.id, attempt: task.attempt?.attempt.number, on: task.attempt?.backend,
            end.errorMessage ?? "")
        if let webhook, task.intent != .remove { try await enqueue(webhook, for: task) }
        return .ended(state)
    }

    private func values(of end: TaskEnd, for task: TaskRecord) -> [SQLValue] {
        let intent: TaskIntent = task.intent == .remove ? .remove : .none
        return [
            SQLValue(task.id), SQLValue(end.state), SQLValue(intent), SQLValue(at), .cleaned(end.errorMessage),
            SQLValue(end.progress ?? task.progress), SQLValue(end.processingTime ?? task.processingTime),
            SQLValue(end.imagesCount ?? task.imagesShown), SQLValue(end.failures ?? task.failures),
        ]
    }

    /// Puts the end of this attempt into the outbox, once for each URL that is to be told.
    func enqueue(_ webhook: WebhookPolicy, for task: TaskRecord) async throws {
        let attempt = task.attempt?.attempt.number ?? 0
        for (suffix, url) in [("task", task.webhook), ("node", webhook.nodeWideURL)] {
            guard let url else { continue }
            try await session.execute(
                SQLText.webhook(
                    .text("\(task.id.key).\(task.run).\(attempt).\(suffix)"), SQLValue(task.id), SQLValue(attempt),
                    .cleaned(url), .cleaned(webhook.payload), SQLValue(at)))
        }
    }

    private enum SQLText {
        static let end = Statement(
            "attempt.end",
            """
            UPDATE attempts SET state = 'ended', outcome = $3, counted = $4, failure = $5, ended_at = $6, cancel = 0
            WHERE task = $1 AND number = $2 AND state <> 'ended'
            """)
        static let forgetCopy = Statement(
            "attempt.forget_copy", "UPDATE attempts SET copy = 0 WHERE task = $1 AND number = $2")
        static let requeue = Statement(
            "task.requeue",
            """
            UPDATE tasks SET state = 'queued', intent = 'none', waiting = 0, failures = $2, not_before = $3,
                passed_over = $4, owner_code = 20, processing_time = -1
            WHERE id = $1 AND state IN ('queued', 'dispatching', 'placed')
            """)
        static let conclude = Statement(
            "task.conclude",
            """
            UPDATE tasks SET state = $2, intent = $3, ended_at = $4, kept_from = $4, error = $5, progress = $6,
                processing_time = $7, images_shown = $8, failures = $9, not_before = NULL
            WHERE id = $1 AND state IN ('queued', 'dispatching', 'placed')
            """)
        static let webhook = Statement(
            "webhook.enqueue",
            """
            INSERT INTO webhooks (id, task, attempt, url, payload, state, enqueued_at, due_at)
            VALUES ($1, $2, $3, $4, $5, 'pending', $6, $6)
            ON CONFLICT (id) DO NOTHING
            """)
    }
}
