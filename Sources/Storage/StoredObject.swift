public import Digests
public import Model

/// An object whose writer finished.
public struct StoredObject: Sendable, Equatable {
    /// Its key.
    public var key: String
    /// Its size.
    public var size: ByteCount
    /// SHA-256 of its content, computed while it was written.
    public var digest: SHA256Digest

    /// Every part is given.
    public init(key: String, size: ByteCount, digest: SHA256Digest) {
        self.key = key
        self.size = size
        self.digest = digest
    }
}
