/// What an owner may have, and what it has now.
public struct OwnerShare: Sendable, Equatable {
    /// Higher first; before everything else.
    public var priority: Int
    /// Its part among owners of the same priority.
    public var weight: Double
    /// Slots that its tasks hold: dispatching and placed ones.
    public var running: Int
    /// The most slots it may hold (`max_concurrent_tasks`); further tasks wait.
    public var limit: Int?

    /// Every part has the inventory's default.
    public init(priority: Int = 0, weight: Double = 1, running: Int = 0, limit: Int? = nil) {
        self.priority = priority
        self.weight = weight
        self.running = running
        self.limit = limit
    }
}
