/// The kinds of backend that the gateway federates.
public enum BackendKind: String, Sendable, CaseIterable {
    /// Argo Workflows, driven directly.
    case argo
    /// Another ScaleODM instance, by its own API.
    case scaleodm
    /// A plain NodeODM node, or a ClusterODM.
    case nodeodm
}
