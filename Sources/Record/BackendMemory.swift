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
    /// Its last definition as JSON text, references to secrets unexpanded.
    public var definition: String?
}

/// What is remembered of backends over restarts.
public struct BackendMemory: Sendable {
    private let database: any Database

    /// The backends in a migrated database.
    public init(_ database: any Database) { self.database = database }

    /// All that were ever remembered, by name.
    public func all() async throws(RecordError) -> [RememberedBackend] {
        do {
            return try await database.query(SQLText.all()).map { try RememberedBackend(row: $0) }
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
        try await execute(SQLText.define(SQLValue(name), .cleaned(definition)))
    }

    /// Sets the switches that are given; nil keeps the others.
    /// - Returns: the switches as they are now.
    @discardableResult
    public func setSwitches(
        of name: BackendName, locked: Bool? = nil, draining: Bool? = nil, retired: Bool? = nil, at: Timestamp
    ) async throws(RecordError) -> BackendSwitches {
        do {
            let row = try await database.query(
                SQLText.switches(
                    SQLValue(name), SQLValue(locked), SQLValue(draining), SQLValue(retired), SQLValue(at))
            ).first
            guard let row else { return BackendSwitches() }
            var reader = RowReader(row)
            return try BackendSwitches(reading: &reader)
        } catch {
            throw RecordError(error)
        }
    }

    /// Forgets a backend that has left the file and owns nothing any more.
    public func forget(_ name: BackendName) async throws(RecordError) {
        try await execute(SQLText.forget(SQLValue(name)))
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
            SELECT name, locked, draining, retired, switched_at, info, options, seen_at, definition FROM backends
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
            INSERT INTO backends (name, definition) VALUES ($1, $2)
            ON CONFLICT (name) DO UPDATE SET definition = excluded.definition
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
    }
}
