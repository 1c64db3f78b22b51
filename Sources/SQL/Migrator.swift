/// Brings a database to this program's schema: forward only, in order, all steps in one transaction.
///
/// On PostgreSQL an advisory lock lets replicas that start together do it one after the other; an SQLite file has one
/// program anyway. A database that a newer version has migrated is refused and left as it is.
public struct Migrator: Sendable {
    /// "scaleodm" in ASCII: the advisory lock's number, the same for every version.
    static let lockNumber: Int64 = 0x7363_616C_656F_646D

    private static let makeTable = Statement(
        "migrate-table",
        """
        CREATE TABLE IF NOT EXISTS schema_migrations (
            number BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_ms BIGINT NOT NULL)
        """, mayTakeLong: true)
    private static let readCommitted = Statement("migrate-isolation", "SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
    private static let takeLock = Statement(
        "migrate-lock", "SELECT pg_advisory_xact_lock($1)", isRead: false, mayTakeLong: true)
    private static let readApplied = Statement(
        "migrate-read", "SELECT number, name FROM schema_migrations ORDER BY number")

    private let migrations: [Migration]

    /// Takes every step there is, in order.
    public init(_ migrations: [Migration]) { self.migrations = migrations }

    /// Applies the steps that the database lacks; does nothing where there is none.
    /// - Throws: `.newerSchema` when the database knows steps that this program doesn't; `.invalid` when the list has a
    ///   gap or differs from what was applied; else what the statements throw, after which nothing is changed.
    public func migrate(_ database: any Database) async throws(DatabaseError) {
        for (index, migration) in migrations.enumerated() where migration.number != index + 1 {
            throw DatabaseError(
                .invalid, "Migration \(migration.number) (\(migration.name)) stands where \(index + 1) belongs.")
        }
        let dialect = database.dialect
        do {
            try await database.transaction { session in
                try await Self.lock(session, dialect)
                try await session.execute(Self.makeTable())
                let applied = try await session.query(Self.readApplied())
                try check(applied)
                for migration in migrations.dropFirst(applied.count) {
                    try await Self.apply(migration, in: session, dialect)
                }
            }
        } catch {
            throw .wrapping(error)
        }
    }

    private static func lock(_ session: any DatabaseSession, _ dialect: Dialect) async throws(DatabaseError) {
        guard dialect == .postgresql else { return }
        // Else the snapshot would be the one from before the wait, without what the other replica did.
        try await session.execute(readCommitted())
        try await session.execute(takeLock(.integer(lockNumber)))
    }

    private func check(_ applied: [Row]) throws(DatabaseError) {
        for (index, row) in applied.enumerated() {
            let (number, name) = (try row.integer(0), try row.text(1))
            guard index < migrations.count else {
                throw DatabaseError(
                    .newerSchema,
                    "The database has migration \(number) (\(name)), which this version doesn't know (it ends at "
                        + "\(migrations.count)); start the version that made it, or a newer one.")
            }
            guard number == Int64(index + 1), name == migrations[index].name else {
                throw DatabaseError(
                    .invalid,
                    "The database's migration \(number) (\(name)) is not this program's "
                        + "\(index + 1) (\(migrations[index].name)); is it another program's database?")
            }
        }
    }

    private static func apply(
        _ migration: Migration, in session: any DatabaseSession, _ dialect: Dialect
    ) async throws(DatabaseError) {
        for text in migration.statements(dialect) {
            try await session.execute(Statement("migration-\(migration.number)", text, mayTakeLong: true)())
        }
        let record = Statement(
            "migrate-record",
            "INSERT INTO schema_migrations (number, name, applied_ms) VALUES ($1, $2, \(dialect.nowMilliseconds))")
        try await session.execute(record(.integer(Int64(migration.number)), .text(migration.name)))
    }
}
