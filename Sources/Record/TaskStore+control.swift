public import Model
internal import SQL

/// What became of a cancel.
public enum CancelOutcome: Sendable, Equatable {
    /// The task is canceled. `interrupted` had not been committed: whoever sends its inputs has to stop.
    case canceled(interrupted: AttemptRecord?)
    /// It shows 50 from now on; the attempt's backend is to be told, until the end is confirmed.
    case pending(AttemptRecord)
    /// It was canceled before.
    case alreadyCanceled
    /// It is over, and only a task that isn't was meant.
    case over(TaskState)
    /// The caller sees no such task.
    case unknown
}

/// What became of a restart.
public enum RestartOutcome: Sendable, Equatable {
    /// The task is queued anew.
    case queued
    /// It shows 10, and is queued once this attempt, which is being cancelled, is known to have ended.
    case afterCancel(AttemptRecord)
    /// It isn't over: "Task cannot be restarted".
    case running
    /// Its inputs were given up, and no backend was named that holds the project.
    case inputsExpired
    /// The named backend doesn't hold the project.
    case noProject
    /// The caller sees no such task.
    case unknown
}

/// What became of a remove.
public enum RemoveOutcome: Sendable, Equatable {
    /// Nobody sees the task from now on. `interrupted` was live: whoever sends or watches it has to stop.
    case removing(interrupted: AttemptRecord?)
    /// The caller sees no such task, or it was removed before.
    case unknown
}

/// Cancel and restart: recorded and answered at once, carried out until they are true (rules).
extension TaskStore {
    /// The owner wants the task to end. Also a final one becomes canceled, as on NodeODM, unless only an unfinished one is meant.
    public func requestCancel(
        _ task: TaskID, for scope: OwnerScope, unfinishedOnly: Bool = false, at: Timestamp
    ) async throws(RecordError) -> CancelOutcome {
        try await transition(at: at) { transition in
            guard let record = try await transition.lock(task, for: scope), record.isCommitted else { return .unknown }
            if record.state == .canceled { return .alreadyCanceled }
            if record.state.isFinal {
                return unfinishedOnly ? .over(record.state) : try await transition.recode(record)
            }
            guard let attempt = record.liveAttempt else {
                _ = try await transition.cancelNow(record)
                return .canceled(interrupted: nil)
            }
            if [.recorded, .sending].contains(attempt.state) {
                try await transition.giveUp(attempt, .canceled)
                _ = try await transition.cancelNow(record)
                return .canceled(interrupted: attempt)
            }
            return .pending(try await transition.wish(.cancel, record, attempt))
        }
    }

    /// The owner wants the task to run again.
    ///
    /// `options` are the new ones as JSON text; nil keeps the old ones. `boundTo` is the only backend that may run it,
    /// because only the project there can be used; nil for any.
    public func requestRestart(
        _ task: TaskID, for scope: OwnerScope, options: String? = nil, boundTo: BackendName? = nil, at: Timestamp
    ) async throws(RecordError) -> RestartOutcome {
        try await transition(at: at) { transition in
            guard let record = try await transition.lock(task, for: scope), record.isCommitted else { return .unknown }
            let isBeingCanceled = record.intent == .cancel
            guard record.state.isFinal || isBeingCanceled else { return .running }
            if let boundTo {
                let project = try await transition.project(of: task, on: boundTo)
                let willBe = record.liveAttempt.map { $0.backend == boundTo && $0.state == .accepted } ?? false
                guard project != nil || willBe else { return .noProject }
            } else if record.inputsExpiredAt != nil {
                return .inputsExpired
            }
            try await transition.restart(record, options: options, boundTo: boundTo)
            guard let attempt = record.liveAttempt else { return .queued }
            return .afterCancel(attempt)
        }
    }

    /// The live attempts whose cancel is still to be carried out, whatever their tasks' intents became.
    public func cancelsToCarryOut() async throws(RecordError) -> [TaskRecord] {
        try await rows(of: ControlText.cancels()) { row in try TaskRecord(joined: row) }
    }
}

extension Transition {
    /// Ends a task of which nothing runs anywhere. Nobody is told: nothing has run (contract 7).
    func cancelNow(_ task: TaskRecord) async throws -> EndOutcome {
        try await tell(.cancelRequested, of: task.id)
        return try await conclude(task, .canceled(), nil)
    }

    /// A final task that is cancelled shows 50, and nothing else changes.
    fileprivate func recode(_ task: TaskRecord) async throws -> CancelOutcome {
        try await change(ControlText.recode(SQLValue(task.id)))
        moved(task, to: .canceled)
        try await tell(.cancelRequested, of: task.id, attempt: task.attempt?.attempt.number)
        return .canceled(interrupted: nil)
    }

    /// Records a wish that the backend of a live attempt has to be told of.
    fileprivate func wish(
        _ intent: TaskIntent, _ task: TaskRecord, _ attempt: AttemptRecord
    ) async throws -> AttemptRecord {
        if task.intent != intent {
            try await change(ControlText.intent(SQLValue(task.id), SQLValue(intent)))
            try await tell(.cancelRequested, of: attempt)
        }
        try await change(ControlText.mark(SQLValue(task.id), SQLValue(attempt.attempt.number)))
        var marked = attempt
        marked.cancelIsWanted = true
        return marked
    }

    /// Resets what a restart resets. With a live attempt, which is being cancelled, the task waits for its end.
    fileprivate func restart(_ task: TaskRecord, options: String?, boundTo: BackendName?) async throws {
        let waits = task.liveAttempt != nil
        try await change(
            ControlText.restart(
                SQLValue(task.id), SQLValue(waits ? task.state : .queued), SQLValue(waits ? TaskIntent.restart : .none),
                SQLValue(at), .cleaned(options), SQLValue(boundTo)))
        if !waits { moved(task, to: .queued) }
        try await session.execute(ControlText.clearOutput(SQLValue(task.id)))
        try await tell(.restartRequested, of: task.id, on: boundTo)
    }
}

/// The statements of cancel and restart.
enum ControlText {
    static let cancels = Statement(
        "attempt.cancels",
        "\(TaskRecord.joined) WHERE attempts.cancel = 1 AND attempts.state <> 'ended' ORDER BY attempts.task")
    static let recode = Statement(
        "task.recode",
        """
        UPDATE tasks SET state = 'canceled', error = NULL, processing_time = -1
        WHERE id = $1 AND state IN ('completed', 'failed')
        """)
    static let intent = Statement(
        "task.intent", "UPDATE tasks SET intent = $2 WHERE id = $1 AND state IN ('dispatching', 'placed')")
    static let mark = Statement(
        "attempt.cancel", "UPDATE attempts SET cancel = 1 WHERE task = $1 AND number = $2 AND state <> 'ended'")
    static let restart = Statement(
        "task.restart",
        """
        UPDATE tasks SET state = $2, intent = $3, date_created = $4, queued_at = $4, options = COALESCE($5, options),
            bound_to = $6, run = run + 1, waiting = 0, not_before = NULL, ended_at = NULL, kept_from = NULL,
            failures = 0, fetch_failures = 0, passed_over = '', owner_code = 20, progress = 0, processing_time = -1, error = NULL, lines = 0
        WHERE id = $1 AND (state IN ('completed', 'failed', 'canceled') OR intent = 'cancel')
        """)
    static let clearOutput = Statement("output.clear", "DELETE FROM output WHERE task = $1")
}
