public import SQL
internal import Synchronization

/// A database that a test can take away and give back, and that counts what is asked of it.
public final class WatchedDatabase: Database {
    private struct State {
        var isAway = false
        var isDeaf = false
        var statements = 0
        var bodies = 0
        /// The statement whose transaction's answer is to be lost.
        var toLose: String?
        var isLosing = false
        var hasLost = false
        var afterwards: (statement: String, call: @Sendable () -> Void)?
        var isAfterwardsDue = false
    }

    private let database: any Database
    private let state = Mutex(State())

    /// Stands before another database.
    public init(_ database: any Database) { self.database = database }

    /// While true nothing is reached; a transaction under way ends well.
    public var isAway: Bool {
        get { state.withLock { $0.isAway } }
        set { state.withLock { $0.isAway = newValue } }
    }

    /// Statements so far, within transactions and without.
    public var statements: Int { state.withLock { $0.statements } }
    /// How often the body of a transaction has run: more often than there were transactions where some were tried again.
    public var bodies: Int { state.withLock { $0.bodies } }

    /// That of the database behind.
    public var dialect: Dialect { database.dialect }
    /// False while it is away.
    public var isUp: Bool { !isAway && database.isUp }

    private func reach() throws(DatabaseError) {
        if isAway { throw DatabaseError(.unavailable, "The test has taken the database away.") }
    }

    /// Loses the answer to the next transaction that runs the statement of this name: it takes effect, and looks as if the
    /// connection had broken.
    public func loseAnswer(to statement: String) { state.withLock { $0.toLose = statement } }
    /// Whether that has happened.
    public var hasLostAnswer: Bool { state.withLock { $0.hasLost } }

    /// Calls a function once: when the next transaction that runs the statement of this name is durable, and before whoever
    /// began it hears of that.
    public func afterwards(_ statement: String, _ call: @escaping @Sendable () -> Void) {
        state.withLock { $0.afterwards = (statement, call) }
    }

    private func callAfterwards() {
        let call = state.withLock { state -> (@Sendable () -> Void)? in
            guard state.isAfterwardsDue else { return nil }
            defer { (state.afterwards, state.isAfterwardsDue) = (nil, false) }
            return state.afterwards?.call
        }
        call?()
    }

    fileprivate func count(_ statement: BoundStatement) {
        state.withLock { state in
            state.statements += 1
            if state.afterwards?.statement == statement.statement.name { state.isAfterwardsDue = true }
            guard state.toLose == statement.statement.name else { return }
            (state.toLose, state.isLosing) = (nil, true)
        }
    }

    private func loseIfWished() throws {
        let isLosing = state.withLock { state in
            defer { state.isLosing = false }
            state.hasLost = state.hasLost || state.isLosing
            return state.isLosing
        }
        guard isLosing else { return }
        throw DatabaseError(.unavailable, "The test has lost the answer.", outcomeUnknown: true)
    }

    /// Runs a statement.
    public func query(_ statement: BoundStatement) async throws(DatabaseError) -> [Row] {
        try reach()
        count(statement)
        return try await database.query(statement)
    }

    /// Runs a statement.
    @discardableResult
    public func execute(_ statement: BoundStatement) async throws(DatabaseError) -> Int {
        try reach()
        count(statement)
        return try await database.execute(statement)
    }

    /// Runs a transaction.
    public func transaction<T: Sendable>(
        _ isolation: Isolation, _ body: @Sendable (_ session: any DatabaseSession) async throws -> T
    ) async throws -> T {
        try reach()
        let result = try await database.transaction(isolation) { session in
            state.withLock { $0.bodies += 1 }
            return try await body(WatchedSession(session: session, database: self))
        }
        callAfterwards()
        try loseIfWished()
        return result
    }

    /// Tells listeners.
    public func notify(channel: String, payload: String) async throws(DatabaseError) {
        try reach()
        try await database.notify(channel: channel, payload: payload)
    }

    /// The payloads of a channel.
    public func listen(channel: String) -> AsyncStream<String> { database.listen(channel: channel) }

    /// That of the database behind; even where the test has made this one deaf.
    public var listenEpoch: UInt64 { isDeaf ? 0 : database.listenEpoch }
    /// While true it looks as if the connection that listens were broken.
    public var isDeaf: Bool {
        get { state.withLock { $0.isDeaf } }
        set { state.withLock { $0.isDeaf = newValue } }
    }

    /// Closes the database behind.
    public func close() async { await database.close() }
}

private struct WatchedSession: DatabaseSession {
    let session: any DatabaseSession
    let database: WatchedDatabase

    func query(_ statement: BoundStatement) async throws(DatabaseError) -> [Row] {
        database.count(statement)
        return try await session.query(statement)
    }

    func execute(_ statement: BoundStatement) async throws(DatabaseError) -> Int {
        database.count(statement)
        return try await session.execute(statement)
    }

    func notify(channel: String, payload: String) async throws(DatabaseError) {
        try await session.notify(channel: channel, payload: payload)
    }
}
