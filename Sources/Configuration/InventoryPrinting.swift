import YAML

extension Inventory {
    /// The effective configuration as YAML, with every default: what `check --print` shows.
    /// - Parameter secrets: how secrets look.
    /// - Returns: a file that loads, where no secret is masked.
    public func printed(secrets: SecretDisplay = .masked) -> String {
        Format<Inventory>.section.print(self, secrets).printed()
    }
}

extension BackendDefinition {
    /// The definition as YAML, for `InventoryLoader.loadBackend`.
    /// - Parameter secrets: how secrets look.
    /// - Returns: one mapping.
    public func printed(secrets: SecretDisplay) -> String {
        Format<BackendDefinition>.backend.print(self, secrets).printed()
    }
}
