internal import Reactor
internal import Synchronization

/// The one connection that writes; who calls `run` holds the gate.
final class SQLiteWriter: Sendable {
    let gate = TurnGate(places: 1)
    private let pool: BlockingPool
    private let connection: Mutex<SQLiteConnection?>

    /// - Parameters:
    ///   - connection: opened for writing.
    ///   - pool: where it works.
    init(_ connection: SQLiteConnection, pool: BlockingPool) {
        self.pool = pool
        self.connection = Mutex(connection)
    }

    /// Works with the connection on a thread that may block.
    /// - Throws: what `work` throws; `.closed` after `close()`.
    func run<T: Sendable>(
        _ work: @escaping @Sendable (SQLiteConnection) throws(DatabaseError) -> T
    ) async throws(DatabaseError) -> T {
        do {
            return try await pool.run { [self] in
                guard let connection = connection.withLock({ $0 }) else { throw SQLiteDatabase.isClosed }
                return try work(connection)
            }
        } catch {
            throw .wrapping(error)
        }
    }

    /// Runs one statement in its turn.
    func run(_ bound: BoundStatement, keepRows: Bool) async throws(DatabaseError) -> StatementOutcome {
        try await gate.enter()
        defer { gate.leave() }
        return try await run { connection throws(DatabaseError) in try connection.run(bound, keepRows: keepRows) }
    }

    /// Closes the connection; the caller holds the gate, so nothing runs.
    func close() { connection.withLock { $0 = nil } }
}
