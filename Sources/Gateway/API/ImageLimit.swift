/// How many images a task may have: what the largest backend takes, or less where the inventory says so.
struct ImageLimit: Sendable {
    let fleet: Fleet
    /// The inventory's `limits.images`.
    let configured: Int?

    /// The limit now; nil without one, or where a backend was never read.
    var value: Int? {
        let limits = fleet.listed.map { $0.load == nil ? nil : $0.maxImages }
        let fleetLimit = limits.isEmpty || limits.contains(nil) ? nil : limits.compactMap { $0 }.max()
        return [fleetLimit, configured].compactMap { $0 }.min()
    }

    /// NodeODM's words for too many images (contract 2.5); nil where they are not too many.
    func refusal(of images: Int) -> String? {
        guard let limit = value, images > limit else { return nil }
        return "\(images) images uploaded, but this node can only process up to \(limit)."
    }
}
