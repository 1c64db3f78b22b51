internal import Synchronization

/// A database whose program dies at one point.
final class CrashingDatabase: Database {
    private let database: any Database
    private let point: CrashPoint

    init(_ database: any Database, _ point: CrashPoint) {
        self.database = database
        self.point = point
    }

    var dialect: Dialect { database.dialect }
    var isUp: Bool { database.isUp }
    func listen(channel: String) -> AsyncStream<String> { database.listen(channel: channel) }
    func close() async { await database.close() }

    func notify(channel: String, payload: String) async throws(DatabaseError) {
        try await database.notify(channel: channel, payload: payload)
    }

    func query(_ statement: BoundStatement) async throws(DatabaseError) -> [Row] {
        let isReached = point.isReached(by: statement)
        if isReached, point.side == .before { point.die() }
        let rows = try await database.query(statement)
        if isReached { point.die() }
        return rows
    }

    func execute(_ statement: BoundStatement) async throws(DatabaseError) -> Int {
        let isReached = point.isReached(by: statement)
        if isReached, point.side == .before { point.die() }
        let changed = try await database.execute(statement)
        if isReached { point.die() }
        return changed
    }

    func transaction<T: Sendable>(
        _ isolation: Isolation, _ body: @Sendable (any DatabaseSession) async throws -> T
    ) async throws -> T {
        let isReached = Atomic(false)
        let result = try await database.transaction(isolation) { session in
            let watched = CrashingSession(session: session, point: point)
            let result = try await body(watched)
            if watched.isReached.load(ordering: .relaxed) {
                if point.side == .before { point.die() }
                isReached.store(true, ordering: .relaxed)
            }
            return result
        }
        if isReached.load(ordering: .relaxed) { point.die() }
        return result
    }
}

/// Sees whether the point is within this transaction.
private final class CrashingSession: DatabaseSession {
    let session: any DatabaseSession
    let point: CrashPoint
    let isReached = Atomic(false)

    init(session: any DatabaseSession, point: CrashPoint) {
        self.session = session
        self.point = point
    }

    func query(_ statement: BoundStatement) async throws(DatabaseError) -> [Row] {
        note(statement)
        return try await session.query(statement)
    }

    func execute(_ statement: BoundStatement) async throws(DatabaseError) -> Int {
        note(statement)
        return try await session.execute(statement)
    }

    func notify(channel: String, payload: String) async throws(DatabaseError) {
        try await session.notify(channel: channel, payload: payload)
    }

    private func note(_ statement: BoundStatement) {
        if point.isReached(by: statement) { isReached.store(true, ordering: .relaxed) }
    }
}
