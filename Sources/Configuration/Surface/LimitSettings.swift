public import Model

/// `limits`: bounds of what clients may send, and of how long things are kept.
public struct LimitSettings: Sendable, Equatable {
    /// A request's head.
    public var header = ByteCount.kibibytes(64)
    /// How long a head may take.
    public var headerTime = Duration.seconds(10)
    /// A body that brings under 4 KiB in this time while the gateway is ready for it; a keep-alive connection.
    public var idle = Duration.seconds(60)
    /// A download whose client doesn't read.
    public var unread = Duration.seconds(1800)
    /// One file of an upload.
    public var uploadFile = ByteCount.gibibytes(100)
    /// All files of a task.
    public var uploadTask = ByteCount.gibibytes(2048)
    /// What /info says as maxImages; nil: the largest backend's.
    public var images: Int?
    /// An upload without a commit is removed after this long without data.
    public var staleUpload = Duration.seconds(48 * 3600)
    /// Staged inputs, after the end of their task.
    public var inputRetention = Duration.seconds(48 * 3600)
    /// The record of finished tasks.
    public var taskRetention = Duration.seconds(30 * 86_400)
    /// The defaults.
    public init() {}
}
