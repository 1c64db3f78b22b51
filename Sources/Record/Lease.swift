internal import SQL

/// The right to do something as the only one, for a while.
public struct Lease: Sendable, Hashable {
    /// What it is for, such as `scheduler`.
    public var name: String
    /// Who has it.
    public var holder: String
    /// Grows with every change of the holder: what is done under an older number comes too late.
    public var number: Int64

    /// Every part is given.
    public init(name: String, holder: String, number: Int64) {
        self.name = name
        self.holder = holder
        self.number = number
    }

    /// Throws `.leaseLost` within a transaction if somebody else has taken the lease meanwhile; else nobody can take it
    /// until that transaction is over.
    func check(in session: any DatabaseSession, _ dialect: Dialect) async throws {
        let statement = dialect == .postgresql ? Self.heldSharingLock : Self.held
        let held = try await session.query(statement(.text(name), .integer(number)))
        guard held.isEmpty else { return }
        throw RecordError(
            .leaseLost,
            "The lease '\(name)' is no longer held by '\(holder)' under number \(number); another takes over.")
    }

    private static let heldText = "SELECT number FROM leases WHERE name = $1 AND number = $2"
    private static let held = Statement("lease.check", heldText + Dialect.sqlite.shareLocked)
    private static let heldSharingLock = Statement(
        "lease.check", heldText + Dialect.postgresql.shareLocked, isRead: false)
}
