public import Model

/// What a store says of one object.
public struct S3Object: Sendable, Equatable {
    /// Its key.
    public var key: String
    /// Its size.
    public var size: ByteCount
    /// Its entity tag as the store writes it, quotes included; nil where it told none.
    public var etag: String?
    /// When it was written; nil where the store told no time, or one that can't be read.
    public var modified: Timestamp?

    /// Every part is given.
    public init(key: String, size: ByteCount, etag: String?, modified: Timestamp?) {
        self.key = key
        self.size = size
        self.etag = etag
        self.modified = modified
    }
}

/// A page of a listing.
public struct S3Listing: Sendable, Equatable {
    /// The objects, in the order of their keys' bytes.
    public var objects: [S3Object] = []
    /// What was rolled up by the delimiter, the delimiter included.
    public var prefixes: [String] = []
    /// What the next page is asked for with; nil on the last.
    public var next: String?

    /// An empty page.
    public init() {}
}
