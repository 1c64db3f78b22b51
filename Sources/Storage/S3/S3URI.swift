/// A place that a client names: `s3://BUCKET/KEY`, as ODM's clients and tools write it.
public struct S3URI: Sendable, Hashable, CustomStringConvertible {
    /// The bucket, checked.
    public let bucket: String
    /// A key, or what keys begin with; as it stands, not percent-encoded; may be empty.
    public let key: String

    /// Parses a URI.
    /// - Parameter text: anything that isn't `s3://`, a bucket's name and a key of at most 1,024 bytes without control
    ///   characters gives nil.
    public init?(_ text: String) {
        guard text.lowercased().hasPrefix("s3://") else { return nil }
        let rest = text.dropFirst(5)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        bucket = String(rest[..<slash])
        key = String(rest[slash...].dropFirst())
        guard S3Names.isBucket(bucket), key.utf8.count <= 1024, key.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            return nil
        }
    }

    /// The key as the beginning of others: with a slash at its end, unless it is empty.
    public var folder: String { key.isEmpty || key.hasSuffix("/") ? key : key + "/" }

    /// The URI.
    public var description: String { "s3://\(bucket)/\(key)" }
}
