internal import Reactor
internal import Synchronization

<<<<<<< HEAD
/// Connections that read beside the writer, each on a thread of its own while it works.
final class SQLiteReaders: Sendable {
    private let pool: BlockingPool
    private let idle: Mutex<[SQLiteConnection]?>

    /// As many threads as connections, so that a running read always finds an idle one.
    init(_ connections: [SQLiteConnection]) {
        pool = BlockingPool(threads: connections.count)
=======
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
>>>>>>> sql
        idle = Mutex(connections)
    }

    /// Runs a statement that changes nothing.
    func run(_ bound: BoundStatement) async throws(DatabaseError) -> [Row] {
<<<<<<< HEAD
        do {
            return try await pool.run { [self] in
                guard let connection = idle.withLock({ $0?.popLast() }) else { throw SQLiteDatabase.isClosed }
                // After `close` the list is gone, and the connection with the end of this call.
=======
        try await gate.enter()
        defer { gate.leave() }
        do {
            return try await pool.run { [self] in
                // Who has a turn finds a connection, unless the database was closed.
                guard let connection = idle.withLock({ $0?.popLast() }) else { throw SQLiteDatabase.isClosed }
>>>>>>> sql
                defer { idle.withLock { $0?.append(connection) } }
                return try connection.run(bound, keepRows: true).rows
            }
        } catch {
            throw .wrapping(error, statement: bound.statement.name)
        }
    }

<<<<<<< HEAD
    /// Closes the idle connections; those at work close when they have finished.
=======
    /// Closes the idle connections; one at work closes when it has finished.
>>>>>>> sql
    func close() { idle.withLock { $0 = nil } }
}
