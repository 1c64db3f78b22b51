/// `tls`: certificate and key of the listeners.
public struct ListenerTLS: Sendable, Equatable {
    /// Path of a PEM file with the chain.
    public var certificate = ""
    /// Path of a PEM file.
    public var key = ""
    /// To be filled in.
    public init() {}
}
