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
