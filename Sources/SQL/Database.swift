/// What statements run on: the database itself, or one transaction.
public protocol DatabaseSession {
    /// Runs a statement and gathers its rows; meant for answers of up to some thousand rows.
    /// - Throws: see `DatabaseError.Code`; `outcomeUnknown` is set where a change may have happened all the same.
    func query(_ statement: BoundStatement) async throws(DatabaseError) -> [Row]

    /// Runs a statement and drops its rows.
    /// - Returns: how many rows were inserted, updated or deleted; 0 for any other statement.
    @discardableResult
    func execute(_ statement: BoundStatement) async throws(DatabaseError) -> Int

    /// Tells every listener of a channel, in all programs on this database; within a transaction, once it is committed.
    /// - Parameters:
    ///   - channel: up to 63 bytes.
    ///   - payload: up to 7,999 bytes.
    /// - Throws: `.invalid` for a name or payload that is too long; else as `execute`.
    func notify(channel: String, payload: String) async throws(DatabaseError)
}

/// PostgreSQL or SQLite, with the same behaviour for the same statements.
public protocol Database: DatabaseSession, Sendable {
    /// Which of the two it is.
    var dialect: Dialect { get }

    /// False from a failed attempt to reach the database until the next that succeeds.
    var isUp: Bool { get }

    /// Runs `body` as one transaction: committed when it returns, rolled back when it throws.
    ///
    /// The body runs again, a few times, when the database asks for that (a serialization failure, a connection lost
    /// before the commit was sent), so it changes nothing but through its session. It must not use the database itself:
    /// that would wait for the connection which the transaction holds, and is refused with `.invalid`.
    /// - Parameters:
    ///   - isolation: what it sees of others.
    ///   - body: gets the session to use.
    /// - Returns: what the body returned.
    /// - Throws: what the body throws, or a `DatabaseError`; with `outcomeUnknown` if the commit got no answer.
    func transaction<T: Sendable>(
        _ isolation: Isolation, _ body: @Sendable (_ session: any DatabaseSession) async throws -> T
    ) async throws -> T

    /// The payloads sent to a channel; `ListenSignal.reset` comes first, and wherever some may have been missed.
    ///
    /// Listening ends when the stream is dropped or its task is cancelled; `close()` finishes the stream.
    func listen(channel: String) -> AsyncStream<String>

    /// Odd while notifications arrive, and another number after each interruption.
    var listenEpoch: UInt64 { get }

    /// Waits for statements under way, then ends every connection; later calls throw `.closed`.
    func close() async
}

extension Database {
    /// Nothing ever interrupts a database whose only program this is.
    public var listenEpoch: UInt64 { 1 }

    /// Runs `body` as one transaction with a snapshot of its own.
    public func transaction<T: Sendable>(
        _ body: @Sendable (_ session: any DatabaseSession) async throws -> T
    ) async throws -> T {
        try await transaction(.snapshot, body)
    }
}
