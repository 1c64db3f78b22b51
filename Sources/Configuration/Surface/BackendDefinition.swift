public import Model
public import Observability

/// One entry of `backends`.
public struct BackendDefinition: Sendable, Equatable {
    /// What only one kind has.
    public enum Settings: Sendable, Equatable {
        /// A plain NodeODM node, or a ClusterODM.
        case nodeodm(NodeODMSettings)
        /// Another ScaleODM.
        case scaleodm(ScaleODMSettings)
        /// Argo Workflows.
        case argo(ArgoSettings)
    }

    /// Unique.
    public var name: BackendName
    /// Where it is; nil only for Argo's in-cluster `kubernetes`.
    public var url: HTTPURL?
    /// What the gateway presents to it; never shown to clients or logs.
    public var token: Secret?
    /// How an https backend is checked.
    public var tls = OutboundTLSSettings()
    /// Tasks it runs at the same time; nil: what it says itself.
    public var maxParallelTasks: Int?
    /// The most images of one task; nil: what it says itself.
    public var maxImages: Int?
    /// Lower tiers first; the next only when these are full.
    public var tier = 0
    /// Relative speed, > 0.
    public var weight = 1.0
    /// What a token's labels are compared with.
    public var labels: [String: String] = [:]
    /// Overrides the gateway's `downloads`.
    public var downloads: DownloadMode?
    /// A list of options that replaces the engine's; a JSON file.
    public var optionsFile: String?
    /// What only its kind has.
    public var settings: Settings

    /// A backend with the defaults of its kind.
    public init(name: BackendName, url: HTTPURL?, kind: BackendKind = .nodeodm) {
        self.name = name
        self.url = url
        switch kind {
        case .nodeodm: settings = .nodeodm(NodeODMSettings())
        case .scaleodm: settings = .scaleodm(ScaleODMSettings())
        case .argo: settings = .argo(ArgoSettings())
        }
    }

    /// Which kind it is.
    public var kind: BackendKind {
        switch settings {
        case .nodeodm: .nodeodm
        case .scaleodm: .scaleodm
        case .argo: .argo
        }
    }
}

/// What becomes of a started task that its backend no longer knows.
public enum VanishedPolicy: String, Sendable, CaseIterable {
    /// It runs again, elsewhere or there.
    case rerun
    /// It fails.
    case fail
}

/// How an https backend is checked, and what the gateway presents.
public struct OutboundTLSSettings: Sendable, Equatable {
    /// Certificate authorities, a PEM file; nil: the system's.
    public var caFile: String?
    /// The gateway's own certificate, a PEM file.
    public var clientCertificate: String?
    /// Its key, a PEM file.
    public var clientKey: String?
    /// The name that is asked for and checked; nil: the host of the URL.
    public var serverName: String?
    /// No check at all.
    public var insecureSkipVerify = false
    /// The defaults.
    public init() {}
}

/// What only kind `nodeodm` has.
///
/// A ClusterODM ignores both (rules, *ClusterODM as a backend*).
public struct NodeODMSettings: Sendable, Equatable {
    /// The node lost a task that had started.
    public var onVanished = VanishedPolicy.rerun
    /// Silent so long: its tasks may be started elsewhere; nil: only by `evacuate`.
    public var deadAfter: Duration? = .seconds(6 * 3600)
    /// The defaults.
    public init() {}
}

/// What only kind `scaleodm` has.
public struct ScaleODMSettings: Sendable, Equatable {
    /// What becomes of a submission whose outcome can't be found out.
    public enum UnknownPolicy: String, Sendable, CaseIterable {
        /// It waits for an operator.
        case hold
        /// It is sent again, and may run twice.
        case resubmit
    }
    /// A submission whose outcome can't be found out.
    public var onUnknown = UnknownPolicy.hold
    /// The defaults.
    public init() {}
}
