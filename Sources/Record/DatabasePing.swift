public import SQL

/// Asks a database whether it is there; nothing is read or changed.
public struct DatabasePing: Sendable {
    private let database: any Database

    /// Of any database, migrated or not.
    public init(_ database: any Database) { self.database = database }

    /// Returns when it has answered.
    /// - Throws: `.away` where it can't be used, `.refused` for missing rights.
    public func ask() async throws(RecordError) {
        do { _ = try await database.query(Self.statement()) } catch { throw RecordError(error) }
    }

    private static let statement = Statement("ping", "SELECT 1", isRead: true)
}
