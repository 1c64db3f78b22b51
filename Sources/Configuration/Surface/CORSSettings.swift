/// `cors`: which web pages may call the API.
public struct CORSSettings: Sendable, Equatable {
    /// `*` or origins such as `https://webodm.example.org`.
    public var origins = ["*"]
    /// The defaults.
    public init() {}
    /// Whether any page may.
    public var allowsAny: Bool { origins.contains("*") }
}
