/// The console of a task on another ScaleODM, with numbers of the gateway's own (rules: *Mirror*).
///
/// The instance's own numbers change when it takes the text from its archive instead of pods, and a number beyond the end gets
/// everything again. So a line is known by what it says: each question begins one line before the end that is known, and where
/// the answer doesn't begin with that line, the whole text is laid over what is known.
struct TextConsole: Sendable, Equatable {
    /// Stands between a text and another one that has nothing in common with it.
    static let separator = "--- the console begins anew ---"
    /// So many lines must be the same for two texts to be laid over each other.
    private static let overlap = 3
    /// Lines that are kept below the one that was asked for.
    private static let kept = 16

    /// The number of the first line that is kept.
    private(set) var base: Int
    private(set) var lines: [String]
    /// How many lines the instance's text has, as far as it was read.
    private var read: Int

    /// The state after a whole text was read, when lines from a number on are wanted.
    /// - Parameters:
    ///   - text: all lines that the instance has.
    ///   - line: the first one wanted; those before it were taken in an earlier life.
    init(_ text: [String], from line: Int) {
        base = line
        read = text.count
        // A text that is shorter than what was taken has nothing new; its last line stands for the known one.
        lines = text.count > line ? Array(text[line...]) : line == 0 ? [] : [text.last ?? ""]
    }

    /// The line that the next question begins with, by the instance's numbers.
    var next: Int { max(0, read - 1) }

    /// Takes the answer to a question that began with `next`.
    /// - Returns: false where it doesn't go on from what is known: the whole text is needed then.
    mutating func append(_ answer: [String]) -> Bool {
        // The instance may have lost the text, as after a cancel; what is known stays.
        guard let first = answer.first else { return true }
        guard read > 0 else {
            lines += answer
            read = answer.count
            return true
        }
        guard first == lines.last else { return false }
        lines += answer.dropFirst()
        read += answer.count - 1
        return true
    }

    /// Lays a whole text over what is known, and takes what follows.
    mutating func lay(_ text: [String]) {
        guard !text.isEmpty else { return }
        defer { read = text.count }
        let known = Array(lines.suffix(Self.overlap))
        if let end = Self.end(ofLast: known, in: text) {
            lines += text[end...]
        } else if Self.end(ofLast: Array(text.suffix(Self.overlap)), in: lines) == nil {
            lines += [Self.separator] + text
        }
    }

    /// Lines from a number on; nil where they aren't kept, and the text must be read anew.
    func lines(from line: Int) -> [String]? {
        guard line >= base, line <= base + lines.count else { return nil }
        return Array(lines[(line - base)...])
    }

    /// Forgets lines that nobody asks for any more.
    mutating func trim(below line: Int) {
        let surplus = min(line - Self.kept - base, lines.count - Self.kept)
        guard surplus > 0 else { return }
        lines.removeFirst(surplus)
        base += surplus
    }

    private static func end(ofLast part: [String], in text: [String]) -> Int? {
        guard !part.isEmpty, part.count <= text.count else { return nil }
        for start in stride(from: text.count - part.count, through: 0, by: -1)
        where text[start..<(start + part.count)].elementsEqual(part) {
            return start + part.count
        }
        return nil
    }
}
