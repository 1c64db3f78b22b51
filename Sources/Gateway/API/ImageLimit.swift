/// How many images a task may have: what the largest backend takes, or less where the inventory says so, for all or for one token.
struct ImageLimit: Sendable {
    let fleet: Fleet
    /// The inventory's `limits.images`.
    let configured: Int?
    /// What the inventory allows the owners of tokens, by name.
    var owners = OwnerPolicies()

    /// The limit of all tasks now; nil without one, or where a backend was never read.
    private var general: Int? {
        let limits = fleet.listed.map { $0.load == nil ? nil : $0.maxImages }
        let fleetLimit = limits.isEmpty || limits.contains(nil) ? nil : limits.compactMap { $0 }.max()
        return [fleetLimit, configured].compactMap { $0 }.min()
    }

    /// The limit of an owner's own; nil without one.
    func ofToken(_ owner: String?) -> Int? { owner.flatMap { owners[$0]?.maxImages } }

    /// NodeODM's words for too many images (contract 2.5).
    /// - Parameters:
    ///   - images: how many the task has.
    ///   - owner: whose it is.
    /// - Returns: nil where they are not too many.
    func refusal(of images: Int, by owner: String?) -> String? {
        if let limit = general, images > limit {
            return "\(images) images uploaded, but this node can only process up to \(limit)."
        }
        return refusalByToken(of: images, by: owner)
    }

    /// The same, for want of a token that allows it alone.
    /// - Parameters:
    ///   - images: how many the task has.
    ///   - owner: whose it is.
    /// - Returns: nil where they are not too many.
    func refusalByToken(of images: Int, by owner: String?) -> String? {
        guard let limit = ofToken(owner), images > limit else { return nil }
        return "\(images) images uploaded, but a task of this token may have only up to \(limit)."
    }
}
