public import Model
public import SQL

/// What the operator decided about a backend while the gateway ran.
public struct BackendSwitches: Sendable, Equatable {
    /// No new tasks, until it is unlocked.
    public var isLocked: Bool
    /// No new tasks; those that wait there with their inputs only are moved.
    public var isDraining: Bool
    /// It has left the inventory, and only serves the tasks that it owns.
    public var isRetired: Bool

    /// All off unless said otherwise.
    public init(isLocked: Bool = false, isDraining: Bool = false, isRetired: Bool = false) {
        self.isLocked = isLocked
        self.isDraining = isDraining
        self.isRetired = isRetired
    }
}

/// What the record knows of one backend.
public struct RememberedBackend: Sendable, Equatable {
    /// Which backend.
    public var name: BackendName
    /// The operator's switches.
    public var switches: BackendSwitches
    /// When a switch was last changed.
    public var switchedAt: Timestamp?
    /// Its last /info as JSON text.
    public var info: String?
    /// Its last /options as JSON text.
    public var options: String?
    /// When the last of the two was read.
    public var seenAt: Timestamp?
    /// Its last definition as text, references to secrets unexpanded.
    public var definition: String?
    /// Whether it was added while a gateway ran, rather than listed in its file.
    public var isAdded = false
}

/// How a backend is defined, and how it came to be one.
public struct BackendEntry: Sendable, Equatable {
    /// Which backend.
    public var name: BackendName
    /// As text, references to secrets unexpanded.
    public var definition: String
    /// Whether it was added while a gateway ran, rather than listed in its file.
    public var isAdded: Bool
    /// Whether it has left the inventory, and only serves what it has.
    public var isRetired: Bool

    /// One of the file unless said otherwise.
    public init(name: BackendName, definition: String, isAdded: Bool = false, isRetired: Bool = false) {
        self.name = name
        self.definition = definition
        self.isAdded = isAdded
        self.isRetired = isRetired
    }
}

/// What the record says that a backend has of ours.
public struct BackendHoldings: Sendable, Equatable {
    /// Attempts that aren't over.
    public var running: Int
    /// Of ended ones: results, projects, areas, and copies that were given up.
    public var copies: Int
    /// What is still to be cleaned up there.
    public var cleanups: Int

    /// Nothing unless said otherwise.
    public init(running: Int = 0, copies: Int = 0, cleanups: Int = 0) {
        self.running = running
        self.copies = copies
        self.cleanups = cleanups
    }

    /// Whether nobody needs the backend any more.
    public var isEmpty: Bool { self == BackendHoldings() }
}

/// What is remembered of backends over restarts.
public struct BackendMemory: Sendable {
    private let database: any Database

    /// The backends in a migrated database.
    public init(_ database: any Database) { self.database = database }

    /// All that were ever remembered, by name.
    /// - Parameter withAnswers: whether their last /info and /options are read too, which are long.
    /// - Returns: a row for each.
    /// - Throws: `RecordError`.
    public func all(withAnswers: Bool = true) async throws(RecordError) -> [RememberedBackend] {
        do {
            let statement = withAnswers ? SQLText.all() : SQLText.allShort()
            return try await database.query(statement).map { try RememberedBackend(row: $0) }
        } catch {
            throw RecordError(error)
        }
    }

    /// Remembers what a backend says of itself; nil keeps what is there.
    public func remember(
        _ name: BackendName, info: String?, options: String?, at: Timestamp
    ) async throws(RecordError) {
        try await execute(SQLText.remember(SQLValue(name), .cleaned(info), .cleaned(options), SQLValue(at)))
    }

    /// Remembers how a backend is defined, for the time after it has left the file.
    public func define(_ name: BackendName, definition: String) async throws(RecordError) {
        try await keep([BackendEntry(name: name, definition: definition)])
    }

    /// Remembers how backends are defined and how they came to be, all at once; their switches and answers stay.
    public func keep(_ entries: [BackendEntry]) async throws(RecordError) {
        guard let first = entries.first else { return }
        do {
            try await database.transaction(.lockedRow) { session in
                for entry in entries {
                    try await session.execute(
                        SQLText.define(
                            SQLValue(entry.name), .cleaned(entry.definition), SQLValue(entry.isAdded),
                            SQLValue(entry.isRetired)))
                }
                try await session.notify(channel: Self.channel, payload: first.name.string)
            }
        } catch {
            throw RecordError(error)
        }
    }

    /// What each backend has of ours; who isn't here has nothing.
    public func holdings() async throws(RecordError) -> [BackendName: BackendHoldings] {
        do {
            let rows = try await database.query(SQLText.holdings())
            var holdings: [BackendName: BackendHoldings] = [:]
            for row in rows {
                var reader = RowReader(row)
                let name = try reader.backend()
                holdings[name] = BackendHoldings(
                    running: try reader.int(), copies: try reader.int(), cleanups: try reader.int())
            }
            return holdings
        } catch {
            throw RecordError(error)
        }
    }

    /// Told whenever somebody, in this program or another, changed a definition or a switch; first of all, and wherever
    /// something may have been missed, too.
    public func changes() -> AsyncMapSequence<AsyncStream<String>, Void> {
        database.listen(channel: Self.channel).map { _ in }
    }

    private static let channel = "scaleodm_backends"

    /// Sets the switches that are given; nil keeps the others.
    /// - Returns: the switches as they are now.
    @discardableResult
    public func setSwitches(
        of name: BackendName, locked: Bool? = nil, draining: Bool? = nil, retired: Bool? = nil, at: Timestamp
    ) async throws(RecordError) -> BackendSwitches {
        let statement = SQLText.switches(
            SQLValue(name), SQLValue(locked), SQLValue(draining), SQLValue(retired), SQLValue(at))
        do {
            return try await database.transaction(.lockedRow) { session in
                let row = try await session.query(statement).first
                try await session.notify(channel: Self.channel, payload: name.string)
                guard let row else { return BackendSwitches() }
                var reader = RowReader(row)
                return try BackendSwitches(reading: &reader)
            }
        } catch {
            throw RecordError(error)
        }
    }

    /// Gives up what a backend has of ended tasks and what is still to be cleaned up there: it will never be back.
    public func giveUp(_ name: BackendName) async throws(RecordError) {
        do {
            try await database.transaction(.lockedRow) { session in
                try await session.execute(SQLText.giveUpCopies(SQLValue(name)))
                try await session.execute(SQLText.giveUpCleanups(SQLValue(name)))
                try await session.notify(channel: Self.channel, payload: name.string)
            }
        } catch {
            throw RecordError(error)
        }
    }

    /// Forgets a backend that has left the file and owns nothing any more.
    public func forget(_ name: BackendName) async throws(RecordError) {
        try await tell(SQLText.forget(SQLValue(name)), of: name)
    }

    /// Carries a change out and tells every program of it.
    private func tell(_ statement: BoundStatement, of name: BackendName) async throws(RecordError) {
        do {
            try await database.transaction(.lockedRow) { session in
                try await session.execute(statement)
                try await session.notify(channel: Self.channel, payload: name.string)
            }
        } catch {
            throw RecordError(error)
        }
    }

    private func execute(_ statement: BoundStatement) async throws(RecordError) {
        do {
            try await database.execute(statement)
        } catch {
            throw RecordError(error)
        }
    }

    private enum SQLText {
        static let all = Statement(
            "backend.list",
            """
            SELECT name, locked, draining, retired, switched_at, info, options, seen_at, definition, added FROM backends
            ORDER BY name
            """)
        static let allShort = Statement(
            "backend.list_short",
            """
            SELECT name, locked, draining, retired, switched_at, NULL, NULL, seen_at, definition, added FROM backends
            ORDER BY name
            """)
        static let remember = Statement(
            "backend.remember",
            """
            INSERT INTO backends (name, info, options, seen_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (name) DO UPDATE SET info = COALESCE(excluded.info, backends.info),
                options = COALESCE(excluded.options, backends.options), seen_at = excluded.seen_at
            """)
        static let define = Statement(
            "backend.define",
            """
            INSERT INTO backends (name, definition, added, retired) VALUES ($1, $2, $3, $4)
            ON CONFLICT (name) DO UPDATE SET definition = excluded.definition, added = excluded.added,
                retired = excluded.retired
            """)
        static let holdings = Statement(
            "backend.holdings",
            """
            SELECT backend, CAST(SUM(running) AS BIGINT), CAST(SUM(copies) AS BIGINT), CAST(SUM(jobs) AS BIGINT) FROM (
                SELECT backend, COUNT(*) AS running, 0 AS copies, 0 AS jobs FROM attempts
                    WHERE state <> 'ended' GROUP BY backend
                UNION ALL SELECT backend, 0, COUNT(*), 0 FROM attempts
                    WHERE copy = 1 AND state = 'ended' GROUP BY backend
                UNION ALL SELECT backend, 0, 0, COUNT(*) FROM cleanups GROUP BY backend
            ) AS held GROUP BY backend
            """)
        static let switches = Statement(
            "backend.switch",
            """
            INSERT INTO backends (name, locked, draining, retired, switched_at)
            VALUES ($1, COALESCE($2, 0), COALESCE($3, 0), COALESCE($4, 0), $5)
            ON CONFLICT (name) DO UPDATE SET locked = COALESCE($2, backends.locked),
                draining = COALESCE($3, backends.draining), retired = COALESCE($4, backends.retired),
                switched_at = excluded.switched_at
            RETURNING locked, draining, retired
            """)
        static let giveUpCopies = Statement(
            "backend.give_up_copies", "UPDATE attempts SET copy = 0 WHERE backend = $1 AND copy = 1 AND state = 'ended'"
        )
        static let giveUpCleanups = Statement("backend.give_up_cleanups", "DELETE FROM cleanups WHERE backend = $1")
        static let forget = Statement("backend.forget", "DELETE FROM backends WHERE name = $1")
    }
}

extension BackendSwitches {
    init(reading reader: inout RowReader) throws {
        isLocked = try reader.boolean()
        isDraining = try reader.boolean()
        isRetired = try reader.boolean()
    }
}

extension RememberedBackend {
    init(row: Row) throws {
        var reader = RowReader(row)
        name = try reader.backend()
        switches = try BackendSwitches(reading: &reader)
        switchedAt = try reader.timeIfPresent()
        info = try reader.textIfPresent()
        options = try reader.textIfPresent()
        seenAt = try reader.timeIfPresent()
        definition = try reader.textIfPresent()
        isAdded = try reader.boolean()
    }
}
