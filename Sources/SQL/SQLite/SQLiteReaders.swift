internal import Reactor
internal import Synchronization

/// Connections that read beside the writer.
final class SQLiteReaders: Sendable {
    private let gate: TurnGate
    private let pool: BlockingPool
    private let idle: Mutex<[SQLiteConnection]?>

    /// - Parameters:
    ///   - connections: opened for reading; each is used by one call at a time.
    ///   - pool: where they work.
    init(_ connections: [SQLiteConnection], pool: BlockingPool) {
        gate = TurnGate(places: connections.count)
        self.pool = pool
        idle = Mutex(connections)
    }

    /// Runs a statement that changes nothing.
    func run(_ bound: BoundStatement) async throws(DatabaseError) -> [Row] {
        try await gate.enter()
        defer { gate.leave() }
        do {
            return try await pool.run { [self] in
                // Who has a turn finds a connection, unless the database was closed.
                guard let connection = idle.withLock({ $0?.popLast() }) else { throw SQLiteDatabase.isClosed }
                defer { idle.withLock { $0?.append(connection) } }
                return try connection.run(bound, keepRows: true).rows
            }
        } catch {
            throw .wrapping(error, statement: bound.statement.name)
        }
    }

    /// Closes the idle connections; one at work closes when it has finished.
    func close() { idle.withLock { $0 = nil } }
}
