public import Model

/// An object that a listing found.
public struct ListedObject: Sendable, Equatable {
    /// Its key.
    public var key: String
    /// Its size.
    public var size: ByteCount
    /// When its content was last written: tells an orphan from an upload that is about to be recorded.
    public var modified: Timestamp

    /// Every part is given.
    public init(key: String, size: ByteCount, modified: Timestamp) {
        self.key = key
        self.size = size
        self.modified = modified
    }
}
