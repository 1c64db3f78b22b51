public import Model
public import SQL

/// What is to be done about something that an attempt left on a backend.
public enum CleanupKind: String, Sendable, CaseIterable {
    /// An upload area that was never committed: prove that nothing was, and discard it (rules, Never twice, b).
    case discard
    /// A run to be ended; what it left may stay.
    case cancel
    /// A task to be removed, with all that belongs to it.
    case remove
}

/// One clean-up on a backend. It survives restarts and the task's own record, until it is done.
public struct CleanupJob: Sendable, Equatable {
    /// Where.
    public var backend: BackendName
    /// The name there.
    public var backendTask: BackendTaskID
    /// What to do.
    public var kind: CleanupKind
    /// The task it was about, in lower case; it may be gone.
    public var task: String
    /// Whether the backend may get the task only later: a commit without an answer was under way.
    public var isUnsure: Bool
    /// When it became necessary.
    public var since: Timestamp
    /// How often it was tried.
    public var tries: Int
}

/// What is still to be cleaned up on backends.
public struct Cleanups: Sendable {
    private let database: any Database

    /// The clean-ups in a migrated database.
    public init(_ database: any Database) { self.database = database }

    /// What is due on one backend, oldest first; asked when the backend answers.
    public func due(on backend: BackendName, at: Timestamp, limit: Int = 100) async throws(RecordError) -> [CleanupJob]
    {
        do {
            return try await database.query(SQLText.due(SQLValue(backend), SQLValue(at), SQLValue(limit)))
                .map { try CleanupJob(row: $0) }
        } catch {
            throw RecordError(error)
        }
    }

    /// How much is to be done, by backend: also what isn't due, or waits for a backend that is away.
    public func counts() async throws(RecordError) -> [BackendName: Int] {
        do {
            let rows = try await database.query(SQLText.counts())
            return Dictionary(
                try rows.map { (BackendName(recorded: try $0.text(0)), Int(try $0.integer(1))) },
                uniquingKeysWith: { $1 })
        } catch {
            throw RecordError(error)
        }
    }

    /// Notes a clean-up that no transition has noted, such as a copy that appeared late. Once more does no harm.
    public func add(
        _ kind: CleanupKind, of name: BackendTaskID, on backend: BackendName, task: TaskID, isUnsure: Bool = false,
        at: Timestamp
    ) async throws(RecordError) {
        try await execute(
            SQLText.add(
                SQLValue(backend), SQLValue(name), SQLValue(kind), SQLValue(task), SQLValue(isUnsure), SQLValue(at)))
    }

    /// It is done.
    public func done(_ job: CleanupJob) async throws(RecordError) {
        try await execute(SQLText.done(SQLValue(job.backend), SQLValue(job.backendTask), SQLValue(job.kind)))
    }

    /// It didn't work: not again before `until`.
    public func postpone(_ job: CleanupJob, until: Timestamp) async throws(RecordError) {
        try await execute(
            SQLText.postpone(
                SQLValue(job.backend), SQLValue(job.backendTask), SQLValue(job.kind), SQLValue(until)))
    }

    private func execute(_ statement: BoundStatement) async throws(RecordError) {
        do {
            try await database.execute(statement)
        } catch {
            throw RecordError(error)
        }
    }

    private enum SQLText {
        static let due = Statement(
            "cleanup.due",
            """
            SELECT backend, backend_task, kind, task, unsure, since, tries FROM cleanups
            WHERE backend = $1 AND not_before <= $2 ORDER BY since, backend_task LIMIT $3
            """)
        static let counts = Statement("cleanup.counts", "SELECT backend, COUNT(*) FROM cleanups GROUP BY backend")
        static let add = Statement(
            "cleanup.note",
            """
            INSERT INTO cleanups (backend, backend_task, kind, task, unsure, since, not_before)
            VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (backend, backend_task, kind) DO NOTHING
            """)
        static let done = Statement(
            "cleanup.done", "DELETE FROM cleanups WHERE backend = $1 AND backend_task = $2 AND kind = $3")
        static let postpone = Statement(
            "cleanup.postpone",
            """
            UPDATE cleanups SET not_before = $4, tries = tries + 1
            WHERE backend = $1 AND backend_task = $2 AND kind = $3
            """)
    }
}

extension CleanupJob {
    init(row: Row) throws {
        var reader = RowReader(row)
        backend = try reader.backend()
        backendTask = BackendTaskID(try reader.text())
        kind = try reader.word(CleanupKind.self)
        task = try reader.text()
        isUnsure = try reader.boolean()
        since = try reader.time()
        tries = try reader.int()
    }
}
