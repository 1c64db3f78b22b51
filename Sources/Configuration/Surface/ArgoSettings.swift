/// What only kind `argo` has.
public struct ArgoSettings: Sendable, Equatable {
    /// Which API is spoken.
    public enum API: String, Sendable, CaseIterable {
        /// Argo's own server.
        case argoServer = "argo-server"
        /// The Kubernetes API, in the cluster or by URL.
        case kubernetes
    }
    /// Which API is spoken.
    public var api = API.argoServer
    /// The namespace of the workflows.
    public var namespace = "odm"
    /// Other workflows of the namespace take slots too.
    public var countForeign = false
    /// Unschedulable longer than this: no more tasks for now.
    public var maxPending = Duration.seconds(1800)
    /// A workflow is gone that had started.
    public var onVanished = VanishedPolicy.fail
    /// How long a create of unknown outcome may still appear.
    public var createFence = Duration.seconds(120)
    /// Delete workflows of ours that no record knows.
    public var collectOrphans = false
    /// The workflow itself.
    public var workflow = WorkflowSettings()
    /// The defaults.
    public init() {}
}
