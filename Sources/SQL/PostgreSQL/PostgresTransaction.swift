internal import Reactor

/// The session of one attempt at a transaction; made and ended by `PostgresDatabase.transaction`.
final class PostgresTransaction: DatabaseSession {
    private let pool: PostgresPool
    private let number: UInt64
    /// The first failure: nothing runs after it, and nothing is committed.
    private(set) var failure: DatabaseError?

    init(
        on pool: PostgresPool, _ isolation: Isolation, until deadline: MonotonicTime
    ) async throws(DatabaseError) {
        self.pool = pool
        number = try await pool.begin(isolation, until: deadline)
    }

    func query(_ statement: BoundStatement) async throws(DatabaseError) -> [Row] {
        try await run(statement, keepRows: true).rows
    }

    @discardableResult
    func execute(_ statement: BoundStatement) async throws(DatabaseError) -> Int {
        try await run(statement, keepRows: false).changed
    }

    func notify(channel: String, payload: String) async throws(DatabaseError) {
        try NotificationLimits.check(channel: channel, payload: payload)
        try await execute(PostgresDatabase.notification(.text(channel), .text(payload)))
    }

    func commit() async throws(DatabaseError) {
        if let failure { throw failure }
        do {
            try await pool.commit(number)
        } catch {
            failure = error
            throw error
        }
    }

    func rollback() async { await pool.rollback(number) }

    private func run(_ bound: BoundStatement, keepRows: Bool) async throws(DatabaseError) -> StatementOutcome {
        if let failure {
            throw DatabaseError(
                .invalid, "An earlier statement of this transaction failed (\(failure.statement ?? "?")).",
                statement: bound.statement.name)
        }
        do {
            try bound.checkValues()
            return try await pool.run(bound, keepRows: keepRows, in: number)
        } catch {
            failure = error
            throw error
        }
    }
}
