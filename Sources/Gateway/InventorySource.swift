public import Configuration

/// Where an inventory comes from, so that it can be read again.
public struct InventorySource: Sendable {
    /// The file.
    public var path: String
    /// Reads it, with all that is wrong at once; may block.
    public var load: @Sendable () throws(InventoryError) -> LoadedInventory

    /// Both are given.
    public init(path: String, load: @escaping @Sendable () throws(InventoryError) -> LoadedInventory) {
        self.path = path
        self.load = load
    }
}
