public import Reactor
internal import Synchronization

/// A PostgreSQL server, for several replicas of the gateway.
///
/// Each loop has connections of its own: a call made on one of the loops stays there, a call from elsewhere goes to the
/// first loop. Connections are opened when they are needed and again, with growing pauses, after the server was away.
/// Listening needs a connection that stays the same, so the URL must not lead through a pooler in transaction mode.
public final class PostgresDatabase: Database {
    static let isClosed = DatabaseError(.closed, "The database has been closed.")
    /// A second notification does no harm, so it is sent again after a broken connection.
    static let notification = Statement("notify", "SELECT pg_notify($1, $2)", isRead: true)

    /// How long a call waits for a connection, and for a server that is away, before it throws `.unavailable`.
    public let acquireTimeout: Duration

    private let pools: [PostgresPool]
    private let listener: PostgresListener
    private let broadcaster = Broadcaster(isAlwaysEstablished: false)
    private let health = PostgresHealth()
    private let isOpen = Atomic(true)

    /// Times that a transaction's body runs at most; each that loses against another has been waited for.
    private static let attempts = 50

    /// Prepares the pools; nothing is connected before the first call.
    /// - Parameters:
    ///   - url: libpq's connection string: `postgresql://user:password@host:port/name?sslmode=…`. Host names are looked
    ///     up anew for each connection, off the loops.
    ///   - loops: the running loops to serve; the first also serves callers from elsewhere and the listener.
    ///   - connectionsPerLoop: at most so many, besides the one that listens.
    ///   - acquireTimeout: see the property; 25 s is what clients of the gateway bear.
    ///   - statementTimeout: the server ends a statement after so long (`.timedOut`).
    /// - Throws: `.invalid` when the URL can't be read or no loop is given.
    public init(
        url: String, loops: [EventLoop], connectionsPerLoop: Int = 4, acquireTimeout: Duration = .seconds(25),
        statementTimeout: Duration = .seconds(15)
    ) throws(DatabaseError) {
        let target = try PostgresTarget(url: url)
        guard let first = loops.first else { throw DatabaseError(.invalid, "PostgreSQL needs an event loop.") }
        self.acquireTimeout = acquireTimeout
        let health = health
        pools = loops.map { loop in
            let connector = PostgresConnector(target: target, loop: loop, statementTimeout: statementTimeout)
            return PostgresPool(connector: connector, connections: connectionsPerLoop, health: health)
        }
        listener = PostgresListener(
            connector: PostgresConnector(target: target, loop: first, statementTimeout: statementTimeout),
            broadcaster: broadcaster, health: health)
    }

    /// PostgreSQL.
    public var dialect: Dialect { .postgresql }

    /// False from a failed attempt to connect until the next that succeeds, and once closed.
    public var isUp: Bool { health.isUp && isOpen.load(ordering: .relaxed) }

    /// Runs a statement on a connection of this loop; one that `isRead` again if its connection breaks.
    public func query(_ statement: BoundStatement) async throws(DatabaseError) -> [Row] {
        try await run(statement, keepRows: true).rows
    }

    /// Runs a statement on a connection of this loop; again only if it can't have taken effect.
    @discardableResult
    public func execute(_ statement: BoundStatement) async throws(DatabaseError) -> Int {
        try await run(statement, keepRows: false).changed
    }

    /// Runs `body` as one transaction; see `Database.transaction`.
    ///
    /// Two transactions that each read what the other writes aren't noticed in either isolation (SQLite would run them one
    /// after the other): lock the row read with an UPDATE.
    public func transaction<T: Sendable>(
        _ isolation: Isolation, _ body: @Sendable (_ session: any DatabaseSession) async throws -> T
    ) async throws -> T {
        try TransactionScope.refuseInside(self)
        let pool = currentPool
        let deadline = MonotonicTime.now() + acquireTimeout
        var attempt = 1
        while true {
            let session = try await PostgresTransaction(on: pool, isolation, until: deadline)
            do {
                let result = try await TransactionScope.run(on: self) { try await body(session) }
                try await session.commit()
                return result
            } catch {
                await session.rollback()
                guard let failure = session.failure, failure.asksForAnotherTransaction, attempt < Self.attempts,
                    MonotonicTime.now() < deadline
                else { throw error }
            }
            await pool.pause(beforeAttempt: attempt)
            attempt += 1
        }
    }

    /// Payloads from every program on this database.
    public func listen(channel: String) -> AsyncStream<String> {
        let stream = broadcaster.listen(channel) { [self] in wakeListener() }
        wakeListener()
        return stream
    }

    /// Changes with the connection that listens.
    public var listenEpoch: UInt64 { broadcaster.epoch }

    /// Tells every listener of the channel, in every program on this database.
    public func notify(channel: String, payload: String) async throws(DatabaseError) {
        try NotificationLimits.check(channel: channel, payload: payload)
        try await execute(Self.notification(.text(channel), .text(payload)))
    }

    /// Waits for statements and transactions under way, then ends every connection.
    public func close() async {
        guard isOpen.exchange(false, ordering: .relaxed) else { return }
        broadcaster.finish()
        await listener.close()
        for pool in pools { await pool.close() }
    }

    private var currentPool: PostgresPool {
        guard let loop = EventLoop.current else { return pools[0] }
        return pools.first { $0.loop === loop } ?? pools[0]
    }

    private func run(_ bound: BoundStatement, keepRows: Bool) async throws(DatabaseError) -> StatementOutcome {
        try TransactionScope.refuseInside(self)
        try bound.checkValues()
        return try await currentPool.run(bound, keepRows: keepRows, until: .now() + acquireTimeout)
    }

    private func wakeListener() {
        let listener = listener
        // By the loop, not by a task: `listen` isn't async, and streams may end anywhere.
        listener.loop.execute { listener.assumeIsolated { $0.channelsChanged() } }
    }
}
