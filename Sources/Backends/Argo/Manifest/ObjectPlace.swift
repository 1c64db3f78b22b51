/// A place in an object store: a bucket and what the keys there start with. No URL: endpoints differ between pods and gateway.
public struct ObjectPlace: Sendable, Hashable, CustomStringConvertible {
    /// The bucket.
    public var bucket: String
    /// What every key starts with; empty, or with a slash at its end and none at its start.
    public var prefix: String

    /// A place; the slashes of the prefix are put right.
    /// - Parameters:
    ///   - bucket: 3–63 characters of `a-z 0-9 . -`, or nothing is made.
    ///   - prefix: at most 900 bytes without control characters and without `..` as a segment, or nothing is made.
    public init?(bucket: String, prefix: String) {
        guard Self.isBucket(bucket), prefix.utf8.count <= 900 else { return nil }
        guard prefix.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) else { return nil }
        let segments = prefix.split(separator: "/", omittingEmptySubsequences: true)
        guard !segments.contains(where: { $0 == ".." || $0 == "." }) else { return nil }
        self.bucket = bucket
        self.prefix = segments.isEmpty ? "" : segments.joined(separator: "/") + "/"
    }

    /// The key of something below it.
    public func key(_ name: String) -> String { prefix + name }

    /// `bucket/prefix` as rclone's remotes take it.
    var path: String { prefix.isEmpty ? bucket : "\(bucket)/\(prefix.dropLast())" }

    /// As an s3 URL.
    public var description: String { "s3://\(bucket)/\(prefix)" }

    private static func isBucket(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard (3...63).contains(bytes.count) else { return false }
        return bytes.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x2E
        }
    }
}
