/// An `s3://BUCKET/PREFIX`: where images are, or where results go. It names no store, since pods and gateway reach that by different
/// addresses.
public struct S3URL: Sendable, Hashable, CustomStringConvertible {
    /// The bucket's name, by S3's rules.
    public var bucket: String
    /// What the keys start with; empty, or with one slash at its end and none at its start.
    public var prefix: String

    /// Reads a URL; nil for anything else.
    ///
    /// A prefix counts as a folder whether or not it ends with a slash, so that `s3://b/flight` never means `s3://b/flight-2/`.
    /// - Parameter text: the scheme in any case; bucket 3–63 characters of `a-z 0-9 . -`; prefix at most 900 bytes, without control
    ///   characters and without `.` and `..` as a folder. No query, no percent-decoding: keys are taken as written.
    public init?(_ text: String) {
        guard text.prefix(5).lowercased() == "s3://" else { return nil }
        let rest = text.dropFirst(5)
        let bucket = rest.prefix { $0 != "/" }
        self.init(bucket: String(bucket), prefix: String(rest.dropFirst(bucket.count)))
    }

    /// The place of a bucket and a prefix, whose slashes are put right; nil by the rules of a URL.
    public init?(bucket: String, prefix: String) {
        guard Self.isBucket(bucket) else { return nil }
        let folders = prefix.split(separator: "/")
        guard folders.allSatisfy({ $0 != "." && $0 != ".." }) else { return nil }
        let prefix = folders.isEmpty ? "" : folders.joined(separator: "/") + "/"
        guard prefix.utf8.count <= 900, !prefix.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
        else { return nil }
        self.bucket = bucket
        self.prefix = prefix
    }

    private init(bucket: String, known prefix: String) {
        self.bucket = bucket
        self.prefix = prefix
    }

    /// The key of something in it.
    public func key(_ name: String) -> String { prefix + name }

    /// The folder of that name in this one.
    public func folder(_ name: String) -> S3URL { S3URL(bucket: bucket, known: "\(prefix)\(name)/") }

    /// The folder beside this one whose name is longer by a suffix: `a/input/` → `a/input-output/`. In a bucket's root there is nothing
    /// beside, so it's a folder of that name: `` → `-output/`.
    public func sibling(suffix: String) -> S3URL {
        S3URL(bucket: bucket, known: "\(prefix.dropLast())\(suffix)/")
    }

    /// As clients write it, with a slash at the end.
    public var description: String { "s3://\(bucket)/\(prefix)" }

    private static func isBucket(_ text: String) -> Bool {
        guard (3...63).contains(text.utf8.count) else { return false }
        return text.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x2E
        }
    }
}
