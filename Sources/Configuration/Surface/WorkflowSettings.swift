public import YAML

/// `workflow` of an Argo backend.
public struct WorkflowSettings: Sendable, Equatable {
    /// The engine's image.
    public var odmImage = "opendronemap/odm:3.6.0"
    /// What clients may name as odmImage.
    public var allowedODMImages: [String] = []
    /// The image that moves inputs and results.
    public var rcloneImage = "rclone/rclone:1.75"
    /// A Workflow of the user's own, checked at load.
    public var templateFile: String?
    /// The service account of the pods.
    public var serviceAccount = "argo-odm"
    /// The secret with the keys of the object store.
    public var s3Secret = "scaleodm-s3"
    /// As the pods reach it; nil: `storage.s3.endpoint`.
    public var s3Endpoint: HTTPURL?
    /// Where a task works.
    public var workspace = WorkspaceSettings()
    /// Overrides of the sizing table.
    public var resources = YAMLValue.mapping([])
    /// Nodes that pods may run on.
    public var nodeSelector: [String: String] = [:]
    /// Kubernetes tolerations.
    public var tolerations = YAMLValue.list([])
    /// Selectors and tolerations by class of capacity.
    public var capacity = CapacitySettings()
    /// How long a workflow may run.
    public var activeDeadline = Duration.seconds(48 * 3600)
    /// Keep logs in the object store.
    public var archiveLogs = false
    /// How long a finished workflow is kept.
    public var ttl = WorkflowTTL()
    /// One more attempt with the next memory size.
    public var oomRetry = true
    /// The defaults.
    public init() {}
}
