/// A pattern of rclone's filters: `*` within a folder, `**` across folders, `?` one character, `{a,b}` either.
///
/// A pattern without a leading slash fits at the end of a path, at the start of a segment.
struct GlobPattern {
    private let alternatives: [[Character]]

    init(_ text: String) {
        let isRooted = text.hasPrefix("/")
        let body = Self.expanded(isRooted ? String(text.dropFirst()) : text)
        // A folder is what is in it.
        alternatives = body.map { Array($0.hasSuffix("/") ? $0 + "**" : $0) }
        self.isRooted = isRooted
    }

    private let isRooted: Bool

    func matches(_ path: String) -> Bool {
        let characters = Array(path)
        let starts = isRooted ? [0] : [0] + characters.indices.filter { characters[$0] == "/" }.map { $0 + 1 }
        return alternatives.contains { pattern in
            starts.contains { Self.fits(pattern[...], characters[$0...]) }
        }
    }

    /// Braces written out; at most 64 alternatives, so that no pattern costs more than its length warrants.
    static func expanded(_ text: String) -> [String] {
        guard let open = text.firstIndex(of: "{"), let close = text[open...].firstIndex(of: "}") else { return [text] }
        let rest = expanded(String(text[text.index(after: close)...]))
        let choices = text[text.index(after: open)..<close].split(separator: ",", omittingEmptySubsequences: false)
        let all = choices.flatMap { choice in rest.map { "\(text[..<open])\(choice)\($0)" } }
        return Array(all.prefix(64))
    }

    /// Remembers the last two kinds of star only, so that it takes no more than length times length steps a star.
    private static func fits(_ pattern: ArraySlice<Character>, _ path: ArraySlice<Character>) -> Bool {
        var reachable: Set<Int> = [path.startIndex]
        var place = pattern.startIndex
        while place < pattern.endIndex, !reachable.isEmpty {
            let character = pattern[place]
            let isDouble = character == "*" && place + 1 < pattern.endIndex && pattern[place + 1] == "*"
            var next: Set<Int> = []
            if character == "*" {
                for start in reachable {
                    var index = start
                    next.insert(index)
                    while index < path.endIndex, isDouble || path[index] != "/" {
                        index += 1
                        if !next.insert(index).inserted { break }
                    }
                }
            } else {
                for index in reachable where index < path.endIndex {
                    if path[index] == character || (character == "?" && path[index] != "/") { next.insert(index + 1) }
                }
            }
            reachable = next
            place += isDouble ? 2 : 1
        }
        return reachable.contains(path.endIndex)
    }
}
