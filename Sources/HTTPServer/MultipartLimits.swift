/// Bounds of a multipart body; the parts' data is streamed and has none.
public struct MultipartLimits: Sendable {
    /// Bytes of one part's head.
    public var headBytes = 16 * 1024
    /// Fields of one part's head.
    public var headFields = 32
    /// Parts of one body.
    public var parts = 100_000
    /// Bytes before the first boundary.
    public var preambleBytes = 64 * 1024

    /// The defaults.
    public init() {}
}
