import Model
import SQL

/// One transaction on the record: what every transition is made of.
///
/// Its first statement changes the task's row, so the row is locked from then on and two transitions of one task never
/// interleave; what is decided afterwards in Swift is decided by one alone, and sees all that the ones before it did
/// (`Isolation.lockedRow`).
struct Transition {
    /// The transaction.
    let session: any DatabaseSession
    /// The moment that the caller gives to all that happens in it.
    let at: Timestamp
    /// Where the moves of tasks are noted; nil where nobody asks for them.
    var moves: MoveNotes?

    /// Locks a task's row and reads it with its current attempt; nil if there is none.
    ///
    /// Once the transaction is committed everybody is told that the task has changed.
    func lock(_ task: TaskID) async throws -> TaskRecord? {
        guard let row = try await session.query(SQLText.lock(SQLValue(task))).first else { return nil }
        var reader = RowReader(row)
        var record = try TaskRecord(reading: &reader)
        let number = try reader.int()
        try await session.notify(
            channel: TaskChange.channel, payload: TaskChange.payload(record.id, revision: record.revision))
        if number > 0 { record.attempt = try await attempt(AttemptKey(task: record.id, number: number)) }
        return record
    }

    /// Locks the row of a task that the caller sees; nil otherwise.
    func lock(_ task: TaskID, for scope: OwnerScope) async throws -> TaskRecord? {
        guard let record = try await lock(task), record.intent != .remove, scope.includes(record.owner) else {
            return nil
        }
        return record
    }

    /// Locks the row of an attempt's task.
    /// - Throws: `GuardFailed` unless that attempt lives and is the task's current one.
    func lockLive(_ key: AttemptKey) async throws -> (task: TaskRecord, attempt: AttemptRecord) {
        guard let task = try await lock(key.task), let attempt = task.liveAttempt,
            attempt.attempt.number == key.number
        else { throw GuardFailed() }
        return (task, attempt)
    }

    /// One attempt's row.
    func attempt(_ key: AttemptKey) async throws -> AttemptRecord? {
        guard let row = try await session.query(SQLText.attempt(SQLValue(key.task), SQLValue(key.number))).first
        else { return nil }
        var reader = RowReader(row)
        return try AttemptRecord(reading: &reader, of: key.task)
    }

    /// Runs a statement that has to change exactly the row that it names.
    /// - Throws: `GuardFailed` if its WHERE didn't hold.
    func change(_ statement: BoundStatement) async throws {
        guard try await session.execute(statement) == 1 else { throw GuardFailed() }
    }

    /// Adds a line to the task's history, in the same transaction.
    func tell(
        _ kind: EventKind, of task: TaskID, attempt: Int? = nil, on backend: BackendName? = nil, _ detail: String = ""
    ) async throws {
        try await session.execute(
            SQLText.event(
                SQLValue(task), SQLValue(at), SQLValue(kind), SQLValue(attempt), SQLValue(backend), .cleaned(detail)))
    }

    /// Adds a line about an attempt to its task's history.
    func tell(_ kind: EventKind, of attempt: AttemptRecord, _ detail: String = "") async throws {
        try await tell(
            kind, of: attempt.attempt.task, attempt: attempt.attempt.number, on: attempt.backend, detail)
    }

    private enum SQLText {
        static let lock = Statement(
            "task.lock",
            """
            UPDATE tasks SET revision = revision + 1 WHERE id = $1
            RETURNING \(TaskRecord.columns), tasks.attempt
            """)
        static let attempt = Statement(
            "attempt.read",
            "SELECT \(AttemptRecord.columns) FROM attempts WHERE task = $1 AND number = $2")
        static let event = Statement(
            "event.append",
            """
            INSERT INTO events (task, number, at, kind, attempt, backend, detail)
            SELECT CAST($1 AS TEXT), COALESCE(MAX(number), 0) + 1, CAST($2 AS BIGINT), CAST($3 AS TEXT),
                CAST($4 AS BIGINT), CAST($5 AS TEXT), CAST($6 AS TEXT)
            FROM events WHERE task = $1
            """)
    }
}
