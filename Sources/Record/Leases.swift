public import SQL

/// Who does what alone, where several gateways share one database. Expiry uses the database's clock.
public struct Leases: Sendable {
    private let database: any Database
    private let statements: Texts

    /// The leases in a migrated database.
    public init(_ database: any Database) {
        self.database = database
        statements = database.dialect == .postgresql ? .postgresql : .sqlite
    }

    /// Takes a lease that is free, expired or the holder's own.
    /// - Parameters:
    ///   - name: what it is for.
    ///   - holder: unique for this run of the program.
    ///   - duration: until it expires, unless renewed.
    /// - Returns: nil while somebody else holds it.
    /// - Throws: `RecordError`.
    public func acquire(_ name: String, by holder: String, for duration: Duration) async throws(RecordError) -> Lease? {
        do {
            let row = try await database.query(
                statements.acquire(.text(name), .text(holder), .integer(Self.milliseconds(duration)))
            ).first
            guard let row else { return nil }
            return Lease(name: name, holder: holder, number: try row.integer(0))
        } catch {
            throw RecordError(error)
        }
    }

    /// Extends a lease.
    /// - Returns: false if somebody else has taken it: what it allowed must stop.
    public func renew(_ lease: Lease, for duration: Duration) async throws(RecordError) -> Bool {
        let bound = statements.renew(
            .text(lease.name), .text(lease.holder), .integer(lease.number), .integer(Self.milliseconds(duration)))
        return try await changes(bound) == 1
    }

    /// Gives a lease back, so that the next one needn't wait for its expiry.
    public func release(_ lease: Lease) async throws(RecordError) {
        try await changes(Texts.release(.text(lease.name), .text(lease.holder), .integer(lease.number)))
    }

    /// Ends all leases: at a start on SQLite, whose file has one program only.
    public func releaseAll() async throws(RecordError) { try await changes(Texts.releaseAll()) }

    @discardableResult
    private func changes(_ statement: BoundStatement) async throws(RecordError) -> Int {
        do {
            return try await database.execute(statement)
        } catch {
            throw RecordError(error)
        }
    }

    private static func milliseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }

    private struct Texts: Sendable {
        let acquire: Statement
        let renew: Statement

        static let postgresql = Texts(.postgresql)
        static let sqlite = Texts(.sqlite)

        private init(_ dialect: Dialect) {
            let now = dialect.nowMilliseconds
            // Also the holder's own lease gets a new number where it had expired: somebody may have had it between.
            acquire = Statement(
                "lease.acquire",
                """
                INSERT INTO leases (name, holder, number, held_until) VALUES ($1, $2, 1, \(now) + $3)
                ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until,
                    number = leases.number + CASE
                        WHEN leases.holder = excluded.holder AND leases.held_until > \(now) THEN 0 ELSE 1 END
                WHERE leases.holder = excluded.holder OR leases.held_until <= \(now)
                RETURNING number
                """)
            renew = Statement(
                "lease.renew",
                "UPDATE leases SET held_until = \(now) + $4 WHERE name = $1 AND holder = $2 AND number = $3")
        }

        static let release = Statement(
            "lease.release", "UPDATE leases SET held_until = 0 WHERE name = $1 AND holder = $2 AND number = $3")
        static let releaseAll = Statement("lease.release_all", "UPDATE leases SET held_until = 0, number = number + 1")
    }
}
