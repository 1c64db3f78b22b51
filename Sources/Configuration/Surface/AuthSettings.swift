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

/// One entry of `auth.tokens`.
///
/// The token itself isn't kept anywhere, only its digest.
public struct TokenDefinition: Sendable, Equatable {
    /// Who it belongs to; unique.
    public var name = ""
    /// SHA-256 of the token, 32 bytes; unique.
    public var sha256: [UInt8] = []
    /// Further tasks wait; they are not refused.
    ///
    /// nil: no limit.
    public var maxConcurrentTasks: Int?
    /// The most images of one task; nil: no limit.
    public var maxImages: Int?
    /// Fair share between tokens when all is full.
    public var weight = 1.0
    /// Higher goes first.
    public var priority = 0
    /// Only backends that carry these.
    public var labels: [String: String] = [:]
    /// To be filled in.
    public init() {}
}
