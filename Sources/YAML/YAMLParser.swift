/// Turns text into a tree of nodes that know their places.
///
/// Aliases and merge keys (`<<`) are replaced, within limits. Refused: a second document, duplicate keys, tags other
/// than `!!str`, keys that aren't text.
public enum YAMLParser {
    /// Parses one document.
    /// - Parameters:
    ///   - text: the document; a byte order mark at its start is skipped.
    ///   - limits: how large it may be.
    /// - Returns: the root (null for an empty document), and what is wrong. The root is nil where the text couldn't be
    ///   read to its end; duplicate keys don't prevent that, so that a reader can report its own problems beside them.
    public static func parse(_ text: String, limits: YAMLLimits = YAMLLimits()) -> (
        root: YAMLNode?, problems: [YAMLProblem]
    ) {
        var bytes = Array(text.utf8)
        guard bytes.count <= limits.bytes else {
            return (nil, [YAMLProblem(.limit, at: .start, "the file has more than \(limits.bytes) bytes")])
        }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        var composer = YAMLComposer(limits: limits)
        do throws(YAMLProblem) {
            var events = try YAMLEvents(bytes)
            while true {
                let event = try events.next()
                if case .streamEnd = event.kind { break }
                try composer.take(event)
            }
        } catch {
            return (nil, composer.problems + [error])
        }
        return (composer.root ?? YAMLNode(.scalar(YAMLScalar("", isPlain: true)), at: .start), composer.problems)
    }
}
