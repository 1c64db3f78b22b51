/// Bounds on what a client may make the server hold, and for how long.
public struct ServerLimits: Sendable {
    /// Bytes of a request's head; more is answered 431.
    public var headBytes = 64 * 1024
    /// Field lines of a head; more is answered 431.
    public var headFields = 128
    /// Time for a whole head, from its first byte or, on a new connection, from the accept.
    public var headTime = Duration.seconds(10)
    /// Time without a request on a kept connection, and the time in which a body must bring `bodyFloor` bytes.
    public var idle = Duration.seconds(60)
    /// Bytes of a body that must come in `idle` while the server waits for them.
    public var bodyFloor = 4 * 1024
    /// How long an answer may wait for a client that doesn't read.
    public var unread = Duration.seconds(30 * 60)
    /// Unread body below this many bytes is read and dropped to keep the connection; above, the connection closes.
    public var skippedBody = 64 * 1024
    /// Bytes read and dropped before closing, so that a client that is still sending gets to see the answer.
    public var lingerBytes = 32 * 1024 * 1024
    /// Time for that.
    public var lingerTime = Duration.seconds(2)
    /// How long running requests may go on once the listener drains.
    public var drain = Duration.seconds(10 * 60)

    /// The defaults.
    public init() {}
}
