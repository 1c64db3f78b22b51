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
