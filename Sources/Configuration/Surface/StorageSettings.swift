public import Model

/// `storage`: where uploaded images wait until a backend has them.
public struct StorageSettings: Sendable, Equatable {
    /// The folder of the directory store.
    public var directory = "data/storage"
    /// Each file reaches the disk before its commit answers.
    public var sync = true
    /// Uploads answer 503 below this.
    public var minFree = ByteCount.gibibytes(1)
    /// An object store instead of the folder.
    public var s3: S3Settings?
    /// The defaults.
    public init() {}
}
