public import Model
public import NodeODM

/// What the inventory says of an Argo backend beside its connection.
public struct ArgoBackendSettings: Sendable {
    /// The installation's UUID, a label on all that is ours.
    public var gateway: String
    /// The workflows.
    public var profile = WorkflowProfile()
    /// Where descriptions that are too long for a variable are stored; nil: such tasks are refused.
    public var documents: S3URL?
    /// Tasks it runs at the same time; nil: what the cluster says, or 10.
    public var slots: Int?
    /// The most images of one task.
    public var mostImages: Int?
    /// Whether other workflows of the namespace take slots too.
    public var countsForeign = false
    /// Unschedulable longer than this: no more tasks for now.
    public var longestPending = Duration.seconds(1800)
    /// How long a create of unknown outcome may still appear.
    public var createFence = Duration.seconds(120)
    /// Whether a run that died for want of memory is to be started once more with more of it.
    public var retriesOutOfMemory = true
    /// Whether a workflow that is gone counts as forgotten also where it had started: its task is run again then.
    public var rerunsVanished = false
    /// The engine's options.
    public var catalog = OptionCatalog.engine360

    /// The defaults.
    /// - Parameter gateway: the installation's UUID.
    public init(gateway: String) { self.gateway = gateway }
}
