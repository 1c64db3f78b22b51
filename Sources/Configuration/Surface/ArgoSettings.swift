public import YAML

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

/// `workflow.workspace`: where a task works.
public struct WorkspaceSettings: Sendable, Equatable {
    /// A Kubernetes quantity, or `auto`.
    public var size = "auto"
    /// nil: emptyDir.
    public var storageClass: String?
    /// The defaults.
    public init() {}
}

/// `workflow.capacity`: where the two classes of capacity are found.
public struct CapacitySettings: Sendable, Equatable {
    /// One class.
    public struct Placement: Sendable, Equatable {
        /// Nodes that pods may run on.
        public var nodeSelector: [String: String] = [:]
        /// Kubernetes tolerations.
        public var tolerations = YAMLValue.list([])
        /// The defaults.
        public init() {}
    }
    /// May be taken away.
    public var spot = Placement()
    /// Stays.
    public var onDemand = Placement()
    /// The defaults.
    public init() {}
}

/// `workflow.ttl`: how long a finished workflow is kept; at least 10 minutes, so that its end is always seen.
public struct WorkflowTTL: Sendable, Equatable {
    /// After success.
    public var success = Duration.seconds(24 * 3600)
    /// After failure.
    public var failure = Duration.seconds(7 * 86_400)
    /// The defaults.
    public init() {}
}
