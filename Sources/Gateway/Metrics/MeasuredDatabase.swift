internal import Reactor
internal import SQL

/// A database whose statements are timed.
struct MeasuredDatabase: Database {
    let database: any Database
    let metrics: DatabaseMetrics

    var dialect: Dialect { database.dialect }
    var isUp: Bool { database.isUp }
    var listenEpoch: UInt64 { database.listenEpoch }

    func query(_ statement: BoundStatement) async throws(DatabaseError) -> [Row] {
        let begin = MonotonicTime.now()
        defer { metrics.note(statement.statement.name, since: begin) }
        return try await database.query(statement)
    }

    @discardableResult
    func execute(_ statement: BoundStatement) async throws(DatabaseError) -> Int {
        let begin = MonotonicTime.now()
        defer { metrics.note(statement.statement.name, since: begin) }
        return try await database.execute(statement)
    }

    func transaction<T: Sendable>(
        _ isolation: Isolation, _ body: @Sendable (_ session: any DatabaseSession) async throws -> T
    ) async throws -> T {
        let begin = MonotonicTime.now()
        defer { metrics.note("transaction", since: begin) }
        let metrics = metrics
        return try await database.transaction(isolation) { session in
            try await body(MeasuredSession(session: session, metrics: metrics))
        }
    }

    func notify(channel: String, payload: String) async throws(DatabaseError) {
        try await database.notify(channel: channel, payload: payload)
    }

    func listen(channel: String) -> AsyncStream<String> { database.listen(channel: channel) }

    func close() async { await database.close() }
}

/// One transaction whose statements are timed.
private struct MeasuredSession: DatabaseSession {
    let session: any DatabaseSession
    let metrics: DatabaseMetrics

    func query(_ statement: BoundStatement) async throws(DatabaseError) -> [Row] {
        let begin = MonotonicTime.now()
        defer { metrics.note(statement.statement.name, since: begin) }
        return try await session.query(statement)
    }

    @discardableResult
    func execute(_ statement: BoundStatement) async throws(DatabaseError) -> Int {
        let begin = MonotonicTime.now()
        defer { metrics.note(statement.statement.name, since: begin) }
        return try await session.execute(statement)
    }

    func notify(channel: String, payload: String) async throws(DatabaseError) {
        try await session.notify(channel: channel, payload: payload)
    }
}
