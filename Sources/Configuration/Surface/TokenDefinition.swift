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
