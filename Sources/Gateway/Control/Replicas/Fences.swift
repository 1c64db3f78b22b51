internal import Record

/// Keeps gateways that are gone from writing: whoever takes over what one was doing takes its lease first.
struct Fences: Sendable {
    let leases: Leases
    /// Unique for this run of the program, and no gateway's own: leases that were taken for this aren't renewed.
    let holder: String

    /// Takes the lease of a gateway, unless that gateway still has it.
    /// - Parameter carrier: the lease's name.
    /// - Returns: whether that gateway is gone: nothing is written under its lease any more.
    /// - Throws: `RecordError`.
    func fence(_ carrier: String) async throws(RecordError) -> Bool {
        try await leases.acquire(carrier, by: holder, for: Duties.term) != nil
    }
}
