internal import Reactor
internal import Synchronization

/// Connections that read beside the writer, each on a thread of its own while it works.
final class SQLiteReaders: Sendable {
    private let pool: BlockingPool
    private let idle: Mutex<[SQLiteConnection]?>

    /// As many threads as connections, so that a running read always finds an idle one.
    init(_ connections: [SQLiteConnection]) {
        pool = BlockingPool(threads: connections.count)
        idle = Mutex(connections)
    }

    /// Runs a statement that changes nothing.
    func run(_ bound: BoundStatement) async throws(DatabaseError) -> [Row] {
        do {
            return try await pool.run { [self] in
                guard let connection = idle.withLock({ $0?.popLast() }) else { throw SQLiteDatabase.isClosed }
                // After `close` the list is gone, and the connection with the end of this call.
                defer { idle.withLock { $0?.append(connection) } }
                return try connection.run(bound, keepRows: true).rows
            }
        } catch {
            throw .wrapping(error, statement: bound.statement.name)
        }
    }

    /// Closes the idle connections; those at work close when they have finished.
    func close() { idle.withLock { $0 = nil } }
}
