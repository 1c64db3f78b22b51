/// The paths of `outputs`, confined to a task's project folder (contract, section 8 and item 29).
public struct ConfinedPaths: Sendable, Hashable {
    /// Relative paths without `.`, `..`, empty parts, backslashes and NUL, in the client's order, each once.
    public var paths: [String]

    /// More are dropped; ODM's own split-merge asks for about a dozen.
    public static let maximumCount = 1_000

    /// Reads the form field; nil where it is absent or not a JSON array, which means the node's default set of results.
    /// - Parameter json: the text of `outputs`: an array of paths.
    public init?(json: String?) {
        guard let json, let value = try? JSONValue(parsing: json) else { return nil }
        self.init(json: value)
    }

    /// Reads the field from a JSON body; nil where it isn't an array.
    /// - Parameter json: an array of paths; elements that aren't texts are left out.
    public init?(json: JSONValue) {
        guard let elements = json.array else { return nil }
        var seen: Set<String> = []
        paths = elements.prefix(Self.maximumCount).compactMap { element in
            guard let path = element.text.flatMap(Self.confine), seen.insert(path).inserted else { return nil }
            return path
        }
    }

    /// The JSON array, as init of a node takes it.
    public var json: String {
        var writer = JSONWriter()
        writer.beginArray()
        for path in paths { writer.string(path) }
        writer.endArray()
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// Resolves a path as if the project folder were the root of the file system.
    /// - Parameter path: anything.
    /// - Returns: a relative path inside the project; nil where nothing is left of it.
    ///
    /// | path | confined |
    /// |---|---|
    /// | `odm_orthophoto/odm_orthophoto.tif` | the same |
    /// | `../../etc/passwd` | `etc/passwd` |
    /// | `/etc/shadow` | `etc/shadow` |
    /// | `a/../b` | `b` |
    public static func confine(_ path: String) -> String? {
        var parts: [Substring] = []
        for part in path.split(whereSeparator: { $0 == "/" || $0 == "\\" || $0 == "\0" || $0.isNewline }) {
            switch part {
            case ".": continue
            case "..": _ = parts.popLast()
            default: parts.append(part)
            }
        }
        let confined = parts.joined(separator: "/")
        return confined.isEmpty || confined.utf8.count > 1_024 ? nil : confined
    }
}
