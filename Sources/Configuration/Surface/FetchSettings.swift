public import Model

/// `fetch`: http(s) zipurls, which the gateway fetches itself.
public struct FetchSettings: Sendable, Equatable {
    /// Whether a client may name a private or link-local address.
    public var allowPrivateAddresses = false
    /// The largest one.
    public var maxSize = ByteCount.gibibytes(100)
    /// How long one may take.
    public var timeout = Duration.seconds(6 * 3600)
    /// The defaults.
    public init() {}
}
