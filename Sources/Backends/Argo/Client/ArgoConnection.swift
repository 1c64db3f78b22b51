public import HTTPClient
public import Observability

/// Where a cluster is, and how it is spoken to.
public struct ArgoConnection: Sendable {
    /// Which API is spoken.
    public enum API: String, Sendable, CaseIterable {
        /// Argo's own server.
        case argoServer = "argo-server"
        /// The Kubernetes API.
        case kubernetes
    }

    /// How long calls take at most.
    public struct Timeouts: Sendable {
        /// Until a connection stands.
        public var connect: Duration = .seconds(5)
        /// For a call.
        public var call: Duration = .seconds(30)
        /// For a stream that keeps itself alive, without a byte.
        public var idle: Duration = .seconds(60)
        /// For a stream that may be silent for long.
        public var silence: Duration = .seconds(900)
        /// The default time-outs.
        public init() {}
    }

    /// Which API is spoken.
    public var api: API
    /// Scheme, host, port and base path, without a slash at the end.
    public var origin: String
    /// The namespace of the workflows.
    public var namespace: String
    /// Sent as Bearer; of a file: as the file is now.
    public var token: Secret?
    /// How the cluster is identified, and we.
    public var tls: TLSOptions
    /// How long calls take at most.
    public var timeouts: Timeouts

    /// A connection with the default time-outs.
    public init(
        api: API = .argoServer, origin: String, namespace: String, token: Secret? = nil, tls: TLSOptions = TLSOptions()
    ) {
        self.api = api
        self.origin = origin
        self.namespace = namespace
        self.token = token
        self.tls = tls
        timeouts = Timeouts()
    }
}
