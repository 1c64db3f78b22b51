public import SQL

/// Who does what alone, where several gateways share one database. Expiry uses the database's clock.
public struct Leases: Sendable {
    private let database: any Database
    private let statements: Texts
    private static let channel = "scaleodm_leases"

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

    /// Extends all that a holder has and that nobody has taken meanwhile, also where it had expired.
    /// - Returns: those leases; what is missing was taken by somebody else.
    public func renewAll(of holder: String, for duration: Duration) async throws(RecordError) -> [Lease] {
        try await leases(statements.renewAll(.text(holder), .integer(Self.milliseconds(duration))))
    }

    /// The leases that somebody holds now.
    public func held() async throws(RecordError) -> [Lease] { try await leases(statements.all()) }

    /// Gives a lease back, so that the next one needn't wait for its expiry; who waits is told.
    public func release(_ lease: Lease) async throws(RecordError) {
        try await changes(Texts.release(.text(lease.name), .text(lease.holder), .integer(lease.number)))
        try await tell(lease.name)
    }

    /// Gives all that a holder has back; who waits is told.
    public func releaseAll(of holder: String) async throws(RecordError) {
        try await changes(Texts.releaseHolder(.text(holder)))
        try await tell(holder)
    }

    /// Forgets names that nobody has held for that long, such as those of programs that ended.
    public func forget(notHeldFor duration: Duration) async throws(RecordError) {
        try await changes(statements.forget(.integer(Self.milliseconds(duration))))
    }

    /// Tells each time that a lease was given back; also once at the beginning, and where that may have been missed.
    public func releases() -> AsyncStream<String> { database.listen(channel: Self.channel) }

    private func tell(_ name: String) async throws(RecordError) {
        do {
            try await database.notify(channel: Self.channel, payload: name)
        } catch {
            throw RecordError(error)
        }
    }

    private func leases(_ statement: BoundStatement) async throws(RecordError) -> [Lease] {
        do {
            return try await database.query(statement).map { row in
                Lease(name: try row.text(0), holder: try row.text(1), number: try row.integer(2))
            }
        } catch {
            throw RecordError(error)
        }
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
        let renewAll: Statement
        let all: Statement
        let forget: Statement

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
            // One that was given back has no end any more.
            renewAll = Statement(
                "lease.renew_all",
                """
                UPDATE leases SET held_until = \(now) + $2 WHERE holder = $1 AND held_until > 0
                RETURNING name, holder, number
                """)
            all = Statement("lease.all", "SELECT name, holder, number FROM leases WHERE held_until > \(now)")
            forget = Statement(
                "lease.forget", "DELETE FROM leases WHERE held_until < \(now) - $1 AND name LIKE 'transfers %'")
        }

        static let release = Statement(
            "lease.release", "UPDATE leases SET held_until = 0 WHERE name = $1 AND holder = $2 AND number = $3")
        static let releaseHolder = Statement(
            "lease.release_holder", "UPDATE leases SET held_until = 0 WHERE holder = $1")
        static let releaseAll = Statement("lease.release_all", "UPDATE leases SET held_until = 0, number = number + 1")
    }
}
