/// An inventory, and what should be told beside it.
public struct LoadedInventory: Sendable {
    /// What the file says.
    public var inventory: Inventory
    /// What works and shouldn't stay so.
    public var warnings: [InventoryProblem]
}
