public import HTTPClient

/// Where an asset is streamed from.
public struct DownloadSource: Sendable, Equatable {
    /// Whether the backend is reached by TLS.
    public var isTLS: Bool
    /// Host, without a port.
    public var host: String
    /// Port.
    public var port: UInt16
    /// Path and query as the backend takes them, its own token included: never to be logged.
    public var target: String
    /// How the backend is identified by TLS.
    public var tls: TLSOptions
    /// Whether the backend may answer with the address of the asset in an object store, which is then read from there.
    public var redirects = false

    /// Every part is given.
    public init(isTLS: Bool, host: String, port: UInt16, target: String, tls: TLSOptions = TLSOptions()) {
        self.isTLS = isTLS
        self.host = host
        self.port = port
        self.target = target
        self.tls = tls
    }
}
