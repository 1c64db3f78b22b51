public import Observability

/// `admin`: the second listener.
public struct AdminSettings: Sendable, Equatable {
    /// Where it listens; beyond loopback only with a token.
    public var listen = ListenAddress(host: "127.0.0.1", port: 31101)
    /// What a caller must present; nil: nothing.
    public var token: Secret?
    /// The defaults.
    public init() {}
}
