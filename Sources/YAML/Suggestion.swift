/// What somebody probably meant.
public enum Suggestion {
    /// The known word that is closest to a mistyped one.
    /// - Parameters:
    ///   - word: as it was typed.
    ///   - words: all that would be right.
    /// - Returns: nil where none is close enough to be worth a guess.
    public static func closest(to word: String, among words: [String]) -> String? {
        let typed = Array(word.lowercased().utf8)
        guard !typed.isEmpty, typed.count <= 64 else { return nil }
        var best: (word: String, distance: Int)?
        for candidate in words {
            let distance = distance(typed, Array(candidate.lowercased().utf8))
            if distance <= max(1, typed.count / 3), distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.word
    }

    /// `; did you mean `x`?`, or nothing.
    public static func question(for word: String, among words: [String]) -> String {
        closest(to: word, among: words).map { "; did you mean `\($0)`?" } ?? ""
    }

    /// What was probably meant, else all that would be right.
    static func help(for word: String, among words: [String]) -> String {
        let question = question(for: word, among: words)
        return question.isEmpty && !words.isEmpty ? "; known here: \(words.joined(separator: ", "))" : question
    }

    /// Insertions, deletions, replacements and swaps of neighbours between two words (optimal string alignment).
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in left.indices {
            var current = [row + 1]
            for column in right.indices {
                let isSame = left[row] == right[column]
                var cost = min(last[column + 1] + 1, current[column] + 1, last[column] + (isSame ? 0 : 1))
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
