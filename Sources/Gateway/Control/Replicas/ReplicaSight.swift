internal import Model

/// One of the gateways on a shared record, as this one sees it.
struct ReplicaSight: Sendable, Equatable {
    /// What it is called in the record: another name with each start.
    let id: String
    /// When this gateway first saw it.
    let since: Timestamp
    /// What it alone does, backends aside: `scheduler`, `fetching`, `housekeeping`.
    let duties: [String]
    /// So many backends' tasks it watches.
    let watching: Int

    /// - Parameters:
    ///   - id: its name as a holder of leases.
    ///   - since: when it was first seen.
    ///   - leases: names of those that it has.
    init(id: String, since: Timestamp, leases: [String]) {
        self.id = id
        self.since = since
        duties = leases.filter { !$0.hasPrefix(Duty.watchPrefix) && !$0.hasPrefix(Duty.transfersPrefix) }.sorted()
        watching = leases.count { $0.hasPrefix(Duty.watchPrefix) }
    }
}
