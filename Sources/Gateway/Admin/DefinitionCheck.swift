internal import Backends
public import Configuration
internal import Observability

/// Whether what backends of an inventory name can be used: files, quantities, templates. Nothing is contacted.
public enum DefinitionCheck {
    /// All that can't be used.
    /// - Parameter inventory: what the operator wrote, without mistakes of its own.
    /// - Returns: a sentence each, in the inventory's order.
    public static func problems(in inventory: Inventory) -> [String] {
        inventory.backends.flatMap { definition -> [String] in
            var problems: [String] = []
            do { _ = try BackendBuilder.catalog(of: definition) } catch { problems.append("\(error)") }
            if case .argo(let argo) = definition.settings, let s3 = inventory.storage.s3 {
                do { _ = try ArgoBackend.profile(argo.workflow, s3, of: definition.name) } catch {
                    problems.append("\(error)")
                }
            }
            return problems
        }
    }
}
