/// A key of an object store, checked: `[a-z0-9-]+(/[A-Za-z0-9._-]+)*`, no segment begins with a dot.
///
/// Keys are made by the gateway and never hold text of a client. The check is the second wall: whatever gets here
/// can't climb out of the storage folder, meet a symbolic link's name trick or a file that the store keeps for itself.
struct StorageKey: Sendable, Hashable {
    /// The whole key.
    let text: String
    /// The folders above the object, from the top.
    let folders: [String]
    /// The last segment.
    let name: String

    /// The most segments of a key, so that walks over the tree have an end.
    static let maximumDepth = 12
    /// The longest segment: leaves room for the mark of an unfinished file in a file name of 255 bytes.
    static let maximumSegment = 200

    /// Checks a key.
    init(_ text: String) throws(StorageError) {
        let segments = text.utf8.split(separator: 0x2F, omittingEmptySubsequences: false)
        guard let last = segments.last, segments.count <= Self.maximumDepth, Self.isFirst(segments[0]),
            segments.allSatisfy(Self.isSegment)
        else {
            throw StorageError(.invalidKey, "\"\(text.prefix(80))\" is not a storage key")
        }
        self.text = text
        folders = segments.dropLast().map { String(Substring($0)) }
        name = String(Substring(last))
    }

    /// Every folder above the object as a path from the top: `a`, `a/b`.
    var ancestors: [String] {
        folders.indices.map { folders[...$0].joined(separator: "/") }
    }

    /// Whether a name that was found in a folder may be a segment of a key.
    static func isSegment(_ name: String) -> Bool { isSegment(Substring(name).utf8) }

    private static func isSegment(_ bytes: Substring.UTF8View) -> Bool {
        guard let first = bytes.first, first != 0x2E, bytes.count <= maximumSegment else { return false }
        return bytes.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
            default: false
            }
        }
    }

    private static func isFirst(_ bytes: Substring.UTF8View) -> Bool {
        bytes.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D }
    }
}
