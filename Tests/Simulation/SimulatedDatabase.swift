import SQL

/// The record's database as one life of the gateway reaches it: sometimes away, sometimes without an answer, and after the life's
/// end without any effect.
final class SimulatedDatabase: Database {
    private let world: World
    private let life: Life
    private var inner: any Database { world.database }

    init(_ world: World, _ life: Life) {
        self.world = world
        self.life = life
    }

    var dialect: Dialect { inner.dialect }
    var isUp: Bool { !world.isRecordAway }
    func listen(channel: String) -> AsyncStream<String> { inner.listen(channel: channel) }
    func close() async {}

    func query(_ statement: BoundStatement) async throws(DatabaseError) -> [Row] {
        try await reach()
        world.mix(statement.statement.name)
        let rows = try await inner.query(statement)
        try survive()
        return rows
    }

    func execute(_ statement: BoundStatement) async throws(DatabaseError) -> Int {
        try await reach()
        world.mix(statement.statement.name)
        try loseBefore()
        let changed = try await inner.execute(statement)
        try loseAfter()
        try survive()
        return changed
    }

    func notify(channel: String, payload: String) async throws(DatabaseError) {
        try await reach()
        try await inner.notify(channel: channel, payload: payload)
    }

    func transaction<T: Sendable>(
        _ isolation: Isolation, _ body: @Sendable (any DatabaseSession) async throws -> T
    ) async throws -> T {
        try await reach()
        try loseBefore()
        let changes = Changes()
        if world.dice.chance(world.odds.recordRepeats) {
            // A serialization failure: all of it is undone and made again.
            _ = try? await inner.transaction(isolation) { session -> Void in
                _ = try await body(SimulatedSession(session: session, world: world, life: life, changes: Changes()))
                throw Again()
            }
        }
        let result = try await inner.transaction(isolation) { session in
            let result = try await body(
                SimulatedSession(session: session, world: world, life: life, changes: changes))
            try survive()
            return result
        }
        await world.referee.look(at: changes.tasks)
        try loseAfter()
        try survive()
        return result
    }

    private struct Again: Error {}

    private func reach() async throws(DatabaseError) {
        try survive()
        if world.dice.chance(0.3) { await world.pause(.milliseconds(world.dice.pick(20))) }
        try survive()
        if world.isRecordAway { throw DatabaseError(.unavailable, "The world has no database now.") }
    }

    private func survive() throws(DatabaseError) {
        if life.isDead { throw DatabaseError(.closed, "This life of the gateway is over.") }
    }

    private func loseBefore() throws(DatabaseError) {
        guard world.dice.chance(world.odds.recordLostBefore) else { return }
        world.say { "record: lost before" }
        throw DatabaseError(.unavailable, "The connection broke before the commit.", outcomeUnknown: true)
    }

    private func loseAfter() throws(DatabaseError) {
        guard world.dice.chance(world.odds.recordLostAfter) else { return }
        world.say { "record: lost after" }
        throw DatabaseError(.unavailable, "The answer of the commit was lost.", outcomeUnknown: true)
    }
}

/// The tasks that a transaction changes.
///
/// Invariant of `@unchecked Sendable`: used on the thread of its world only.
final class Changes: @unchecked Sendable {
    var tasks: [String] = []
}

private struct SimulatedSession: DatabaseSession {
    let session: any DatabaseSession
    let world: World
    let life: Life
    let changes: Changes

    func query(_ statement: BoundStatement) async throws(DatabaseError) -> [Row] {
        try survive(statement)
        return try await session.query(statement)
    }

    func execute(_ statement: BoundStatement) async throws(DatabaseError) -> Int {
        try survive(statement)
        return try await session.execute(statement)
    }

    func notify(channel: String, payload: String) async throws(DatabaseError) {
        if let task = payload.split(separator: " ").first { changes.tasks.append(String(task)) }
        try await session.notify(channel: channel, payload: payload)
    }

    private func survive(_ statement: BoundStatement) throws(DatabaseError) {
        world.mix(statement.statement.name)
        guard life.isDead else { return }
        throw DatabaseError(.closed, "This life of the gateway is over.")
    }
}
