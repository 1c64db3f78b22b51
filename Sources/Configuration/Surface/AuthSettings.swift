/// `auth`: who may call the API.
public struct AuthSettings: Sendable, Equatable {
    /// How an unknown token is told.
    public enum Refusal: String, Sendable, CaseIterable {
        /// By status 401.
        case status
        /// By status 200 with an error, as NodeODM does.
        case nodeodm
    }

    /// Whether a listed token is needed.
    ///
    /// Not stated: true with tokens listed.
    public var required = false
    /// How an unknown token is told.
    public var unauthorized = Refusal.status
    /// External login for /auth/*; nil: NodeODM's "Not available".
    public var providerURL: HTTPURL?
    /// The tokens that are known.
    public var tokens: [TokenDefinition] = []
    /// The defaults.
    public init() {}
}
