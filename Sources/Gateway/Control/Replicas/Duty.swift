internal import Model

/// What only one of several gateways on the same record does at a time.
enum Duty: Hashable, Sendable {
    /// Deciding which backend gets which task.
    case scheduling
    /// Carrying out the attempts that this gateway began: each gateway has a lease of its own for that.
    case transferring
    /// Writing what a backend says of its tasks, and cleaning up there.
    case watching(BackendName)
    /// Fetching inputs from other servers.
    case fetching
    /// Retention, and deleting what was removed.
    case housekeeping

    /// What the record calls the lease; nil where each gateway has a name of its own.
    var leaseName: String? {
        switch self {
        case .scheduling: "scheduler"
        case .transferring: nil
        case .watching(let backend): Self.watchPrefix + backend.string
        case .fetching: "fetching"
        case .housekeeping: "housekeeping"
        }
    }

    /// How the names of leases for watching a backend begin.
    static let watchPrefix = "watch "
    /// How the names of the gateways' own leases begin.
    static let transfersPrefix = "transfers "
}
