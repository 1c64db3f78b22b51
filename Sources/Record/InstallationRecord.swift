public import Model
public import SQL

/// What is true of the installation as a whole.
public struct InstallationRecord: Sendable {
    private let database: any Database

    /// The installation's values in a migrated database.
    public init(_ database: any Database) { self.database = database }

    /// The installation's own UUID: what marks its tasks on shared backends. Minted by the first that asks.
    public func installationID(_ random: some RandomBits) async throws(RecordError) -> String {
        do {
            try await database.execute(
                SQLText.mint(.text(Self.identity), .text(TaskID(randomUUID: random).string)))
            guard let id = try await value(Self.identity) else {
                throw RecordError(.unreadable, "The installation's identity can't be read back after it was written.")
            }
            return id
        } catch {
            throw RecordError(error)
        }
    }

    /// The id that the storage folder must carry; nil before files were ever stored.
    public func storageID() async throws(RecordError) -> String? {
        do {
            return try await value(Self.storage)
        } catch {
            throw RecordError(error)
        }
    }

    /// Ties the record to a storage folder.
    public func setStorageID(_ id: String) async throws(RecordError) {
        do {
            try await database.execute(SQLText.set(.text(Self.storage), .text(id)))
        } catch {
            throw RecordError(error)
        }
    }

    private func value(_ name: String) async throws -> String? {
        try await database.query(SQLText.read(.text(name))).first?.text(0)
    }

    private static let identity = "id"
    private static let storage = "storage"

    private enum SQLText {
        static let mint = Statement(
            "installation.mint",
            "INSERT INTO installation (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
        static let set = Statement(
            "installation.set",
            """
            INSERT INTO installation (name, value) VALUES ($1, $2)
            ON CONFLICT (name) DO UPDATE SET value = excluded.value
            """)
        static let read = Statement("installation.read", "SELECT value FROM installation WHERE name = $1")
    }
}
