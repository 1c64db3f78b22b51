import Model
import SQL

/// What several transitions do with attempts. The task's row is locked in all of them.
extension Transition {
    /// The number that the next attempt gets: that of the last one, if nothing of it was sent.
    func nextNumber(of task: TaskRecord) async throws -> Int {
        guard task.lastAttempt > 0 else { return 1 }
        let last = try await attempt(AttemptKey(task: task.id, number: task.lastAttempt))
        let nothingWasSent = last.map { $0.sendingAt == nil && $0.committingAt == nil } ?? true
        return nothingWasSent ? task.lastAttempt : task.lastAttempt + 1
    }

    /// Inserts an attempt, or rewrites the one of its number, and makes it the task's current one.
    func insert(
        _ attempt: Attempt, _ manner: AttemptManner, reason: String, output: S3URL? = nil, carrier: String? = nil
    ) async throws -> AttemptRecord {
        var (state, isPrefetch, isInPlace) = (TaskState.dispatching, false, false)
        switch manner {
        case .fresh: break
        case .prefetch: (state, isPrefetch) = (.queued, true)
        case .inPlace: isInPlace = true
        }
        let row = try await session.query(
            SQLText.insert(
                SQLValue(attempt.task), SQLValue(attempt.number), SQLValue(attempt.backend),
                SQLValue(attempt.backendTask), SQLValue(isPrefetch), SQLValue(isInPlace), .cleaned(reason),
                SQLValue(at), SQLValue(output?.description), .cleaned(carrier))
        ).first
        // The row of that number is a live one: the guard of the caller has seen something else, so nobody may go on.
        guard let row else { throw GuardFailed() }
        try await change(SQLText.current(SQLValue(attempt.task), SQLValue(attempt.number), SQLValue(state)))
        var reader = RowReader(row)
        let record = try AttemptRecord(reading: &reader, of: attempt.task)
        try await tell(isPrefetch ? .prefetching : .chosen, of: record, reason)
        return record
    }

    /// Where an attempt's results go. Two tasks may share an input, and so the place beside it: results of two runs aren't mixed.
    /// - Returns: the place, and the usual one where another task's run has that; nil for backends that keep results.
    func place(
        of attempt: Attempt, among places: ResultPlaces?
    ) async throws -> (place: S3URL?, taken: S3URL?) {
        guard let places else { return (nil, nil) }
        let isAfterFence = try await hasFenced(before: attempt)
        guard let usual = places.usual(attempt.number, isAfterFence) else { return (nil, nil) }
        guard let apart = places.apart, try await isTaken(usual, from: attempt.task) else { return (usual, nil) }
        return (apart(attempt.number, isAfterFence), usual)
    }

    /// Whether an attempt before this one was given up while its backend was silent: it may write its results some day.
    private func hasFenced(before attempt: Attempt) async throws -> Bool {
        let fenced = SQLText.fencedBefore(SQLValue(attempt.task), SQLValue(attempt.number))
        return try await !session.query(fenced).isEmpty
    }

    /// Whether another task has an attempt that isn't known ended and writes to a place.
    private func isTaken(_ place: S3URL, from task: TaskID) async throws -> Bool {
        try await !session.query(SQLText.writers(SQLValue(place.description), SQLValue(task))).isEmpty
    }

    /// The attempt's backend has the task: dispatching → placed, and what earlier attempts left isn't needed any more.
    func accept(_ attempt: AttemptRecord) async throws {
        let task = SQLValue(attempt.attempt.task)
        try await change(SQLText.placed(task))
        try await change(SQLText.accepted(task, SQLValue(attempt.attempt.number), SQLValue(at)))
        try await leaveOldCopies(of: attempt)
        try await tell(.accepted, of: attempt)
    }

    /// The attempt whose backend still holds the project of an earlier run.
    func project(of task: TaskID, on backend: BackendName) async throws -> AttemptRecord? {
        guard let row = try await session.query(SQLText.project(SQLValue(task), SQLValue(backend))).first else {
            return nil
        }
        var reader = RowReader(row)
        return try AttemptRecord(reading: &reader, of: task)
    }

    /// What the backend holds belongs to this attempt from now on, no longer to the earlier one of the same name.
    func takeOverProject(_ attempt: AttemptRecord) async throws {
        try await session.execute(
            SQLText.takeOver(
                SQLValue(attempt.attempt.task), SQLValue(attempt.attempt.number), SQLValue(attempt.backend),
                SQLValue(attempt.backendTask)))
    }

    /// What a restart in place took over, and didn't start, belongs to the earlier attempt again.
    func giveBackProject(_ attempt: AttemptRecord) async throws {
        try await session.execute(
            SQLText.giveBack(
                SQLValue(attempt.attempt.task), SQLValue(attempt.attempt.number), SQLValue(attempt.backend),
                SQLValue(attempt.backendTask)))
    }

    /// What earlier attempts left on their backends is to be removed, except where a fenced one may still be adopted.
    func leaveOldCopies(of attempt: AttemptRecord) async throws {
        let task = SQLValue(attempt.attempt.task)
        let number = SQLValue(attempt.attempt.number)
        for copy in try await session.query(SQLText.oldCopies(task, number)) {
            var reader = RowReader(copy)
            try await leave(try AttemptRecord(reading: &reader, of: attempt.attempt.task), .remove)
        }
    }

    /// Everything that the task's ended attempts left on backends is to be removed.
    func leaveAllCopies(of task: TaskID) async throws {
        for copy in try await session.query(SQLText.allCopies(SQLValue(task))) {
            var reader = RowReader(copy)
            let attempt = try AttemptRecord(reading: &reader, of: task)
            try await leave(attempt, attempt.committingAt == nil ? .discard : .remove)
        }
    }

    /// Fenced attempts can't be adopted any more once the task is over.
    func leaveFencedCopies(of task: TaskID) async throws {
        for copy in try await session.query(SQLText.fencedCopies(SQLValue(task))) {
            var reader = RowReader(copy)
            try await leave(try AttemptRecord(reading: &reader, of: task), .remove)
        }
    }

    /// Hands what an attempt may have left on its backend to the clean-ups; they survive the task's record.
    func leave(_ attempt: AttemptRecord, _ kind: CleanupKind) async throws {
        if kind == .remove, let committingAt = attempt.committingAt {
            switch attempt.acceptedAt {
            // Nobody knows whether it is a task there by now, or an upload area still.
            case nil: if !attempt.isInPlace { try await add(.discard, attempt, from: at) }
            // While its name is taken there, no second commit can make it anew: it ends now, and goes later.
            case .some(let acceptedAt) where acceptedAt - committingAt >= Self.promptAcceptance:
                try await add(.cancel, attempt, from: at)
                return try await add(.remove, attempt, from: max(at, committingAt + Self.lateArrival))
            case .some: break
            }
        }
        try await add(kind, attempt, from: at)
    }

    private func add(_ kind: CleanupKind, _ attempt: AttemptRecord, from notBefore: Timestamp) async throws {
        let isUnsure = attempt.committingAt != nil && attempt.acceptedAt == nil
        let task = SQLValue(attempt.attempt.task)
        try await session.execute(
            SQLText.cleanup(
                SQLValue(attempt.backend), SQLValue(attempt.backendTask), SQLValue(kind), task, SQLValue(isUnsure),
                SQLValue(at), SQLValue(notBefore)))
        try await session.execute(SQLText.noCopy(task, SQLValue(attempt.attempt.number)))
    }

    /// So long after a commit without an answer the backend may still get it.
    private static let lateArrival = Duration.seconds(600)
    /// An acceptance that took longer may have needed a second commit; the first can still be on its way.
    private static let promptAcceptance = Duration.seconds(5)

    private enum SQLText {
        static let insert = Statement(
            "attempt.insert",
            """
            INSERT INTO attempts (task, number, backend, backend_task, state, prefetch, in_place, reason, recorded_at,
                output, carrier)
            VALUES ($1, $2, $3, $4, 'recorded', $5, $6, $7, $8, $9, $10)
            ON CONFLICT (task, number) DO UPDATE SET backend = excluded.backend, backend_task = excluded.backend_task,
                state = 'recorded', prefetch = excluded.prefetch, in_place = excluded.in_place,
                reason = excluded.reason, recorded_at = excluded.recorded_at, cancel = 0, moving = 0, fenced = 0, copy = 0,
                outcome = NULL, counted = 0, failure = NULL, log_cursor = 0, output = excluded.output,
                carrier = excluded.carrier, ended_at = NULL
            WHERE attempts.state = 'ended' AND attempts.sending_at IS NULL AND attempts.committing_at IS NULL
            RETURNING \(AttemptRecord.columns)
            """)
        static let fencedBefore = Statement(
            "attempt.fenced_before", "SELECT 1 FROM attempts WHERE task = $1 AND number < $2 AND fenced = 1 LIMIT 1")
        static let writers = Statement(
            "attempt.writers",
            """
            SELECT 1 FROM attempts
            WHERE output = $1 AND task <> $2 AND (state <> 'ended' OR (fenced = 1 AND copy = 1)) LIMIT 1
            """)
        static let current = Statement(
            "task.current_attempt",
            "UPDATE tasks SET attempt = $2, last_attempt = $2, state = $3 WHERE id = $1 AND state = 'queued'")
        static let placed = Statement(
            "task.placed",
            "UPDATE tasks SET state = 'placed', owner_code = 20, not_before = NULL WHERE id = $1 AND state = 'dispatching'"
        )
        static let accepted = Statement(
            "attempt.accepted",
            """
            UPDATE attempts SET state = 'accepted', accepted_at = $3, failure = NULL
            WHERE task = $1 AND number = $2 AND state = 'committing'
            """)
        static let project = Statement(
            "attempt.project",
            """
            SELECT \(AttemptRecord.columns) FROM attempts
            WHERE task = $1 AND backend = $2 AND \(ProjectText.isProject) ORDER BY number DESC LIMIT 1
            """)
        static let takeOver = Statement(
            "attempt.take_over",
            "UPDATE attempts SET copy = 0 WHERE task = $1 AND number < $2 AND backend = $3 AND backend_task = $4")
        static let giveBack = Statement(
            "attempt.give_back",
            """
            UPDATE attempts SET copy = 1 WHERE task = $1 AND number =
                (SELECT MAX(number) FROM attempts WHERE task = $1 AND number < $2 AND backend = $3 AND backend_task = $4
                    AND state = 'ended' AND accepted_at IS NOT NULL)
            """)
        static let oldCopies = Statement(
            "attempt.old_copies",
            """
            SELECT \(AttemptRecord.columns) FROM attempts
            WHERE task = $1 AND number <> $2 AND copy = 1 AND fenced = 0 AND state = 'ended' ORDER BY number
            """)
        static let allCopies = Statement(
            "attempt.all_copies",
            """
            SELECT \(AttemptRecord.columns) FROM attempts WHERE task = $1 AND copy = 1 AND state = 'ended'
            ORDER BY number
            """)
        static let fencedCopies = Statement(
            "attempt.fenced_copies",
            """
            SELECT \(AttemptRecord.columns) FROM attempts
            WHERE task = $1 AND copy = 1 AND fenced = 1 AND state = 'ended' ORDER BY number
            """)
        static let noCopy = Statement(
            "attempt.no_copy", "UPDATE attempts SET copy = 0 WHERE task = $1 AND number = $2")
        static let cleanup = Statement(
            "cleanup.add",
            """
            INSERT INTO cleanups (backend, backend_task, kind, task, unsure, since, not_before)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (backend, backend_task, kind) DO UPDATE SET task = excluded.task, since = excluded.since,
                not_before = excluded.not_before, tries = 0,
                unsure = CASE WHEN excluded.unsure > cleanups.unsure THEN excluded.unsure ELSE cleanups.unsure END
            """)
    }
}
