/// The session of one transaction on the writer; made and ended by `SQLiteDatabase.transaction`.
final class SQLiteTransaction: DatabaseSession {
    private let writer: SQLiteWriter
    private(set) var notifications: [(channel: String, payload: String)] = []
    /// The first statement that failed: as on PostgreSQL, nothing runs after it and nothing is committed.
    private var failure: DatabaseError?
    private var hasEnded = false

    init(_ writer: SQLiteWriter) { self.writer = writer }

    func query(_ statement: BoundStatement) async throws(DatabaseError) -> [Row] {
        try await run(statement, keepRows: true).rows
    }

    @discardableResult
    func execute(_ statement: BoundStatement) async throws(DatabaseError) -> Int {
        try await run(statement, keepRows: false).changed
    }

    func notify(channel: String, payload: String) async throws(DatabaseError) {
        try NotificationLimits.check(channel: channel, payload: payload)
        notifications.append((channel, payload))
    }

    func begin() async throws(DatabaseError) {
        try await writer.run { connection throws(DatabaseError) in try connection.run("BEGIN IMMEDIATE") }
    }

    func commit() async throws(DatabaseError) {
        if let failure { throw failure }
        try await writer.run { connection throws(DatabaseError) in try connection.run("COMMIT") }
        hasEnded = true
    }

    /// Undoes everything; where that fails SQLite has done so already, or the connection is beyond use and says so.
    func rollback() async {
        hasEnded = true
        try? await writer.run { connection throws(DatabaseError) in
            if connection.isInTransaction { try connection.run("ROLLBACK") }
        }
    }

    private func run(_ bound: BoundStatement, keepRows: Bool) async throws(DatabaseError) -> StatementOutcome {
        guard !hasEnded else { throw DatabaseError(.invalid, "The transaction has ended; its session can't be used.") }
        if let failure {
            throw DatabaseError(
                .invalid, "An earlier statement of this transaction failed (\(failure.statement ?? "?")).",
                statement: bound.statement.name)
        }
        do {
            try bound.checkValues()
            return try await writer.run { connection throws(DatabaseError) in
                // Outside one, the statement would commit by itself.
                guard connection.isInTransaction else {
                    throw DatabaseError(.unavailable, "SQLite has rolled the transaction back.")
                }
                return try connection.run(bound, keepRows: keepRows)
            }
        } catch {
            failure = error
            throw error
        }
    }
}
