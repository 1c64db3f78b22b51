internal import Model

/// How far something is, as one line: a value, drawn by `ProgressDisplay`.
struct ProgressBar: Sendable, Equatable {
    /// What is counted.
    enum Measure: Sendable, Equatable {
        /// Bytes so far, of how many (nil: unknown), and bytes a second (nil: not known yet).
        case bytes(done: Int64, total: Int64?, rate: Double?)
        /// Percent, and a word on what goes on.
        case percent(Double, note: String)
    }

    /// What goes on, such as `Uploading`.
    var title: String
    /// How far it is.
    var measure: Measure

    /// Narrower bars say nothing; wider ones take the eye for a walk.
    private static let narrowest = 8
    private static let widest = 40

    /// One line.
    /// - Parameters:
    ///   - width: columns of the terminal; the line stays below it, since a full line would wrap. Nil, where there is no
    ///     terminal, leaves the bar out and cuts nothing.
    ///   - elapsed: since it began.
    /// - Returns: the text without an end of line.
    func line(width: Int?, elapsed: Duration) -> String {
        let facts = facts(elapsed: elapsed)
        guard let width else { return "\(title): \(facts)" }
        let fixed = title.count + facts.count + 4
        let room = min(Self.widest, width - 1 - fixed)
        guard let fraction, room >= Self.narrowest else {
            return String("\(title)  \(facts)".prefix(max(0, width - 1)))
        }
        let filled = Int((Double(room) * fraction).rounded(.down))
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: room - filled)
        return "\(title) [\(bar)] \(facts)"
    }

    /// A bar of ten signs for a table, with what it shows; the text alone where there is no terminal.
    /// - Parameters:
    ///   - part: of the whole, 0…1.
    ///   - text: the same in words.
    ///   - isTerminal: whether a bar may be drawn.
    /// - Returns: `####...... 41 %`.
    static func cell(_ part: Double, _ text: String, isTerminal: Bool = Terminal.outIsTerminal) -> String {
        guard isTerminal, part.isFinite else { return text }
        let filled = Int((min(1, max(0, part)) * 10).rounded(.down))
        return String(repeating: "#", count: filled) + String(repeating: ".", count: 10 - filled) + " \(text)"
    }

    /// 0…1; nil where nobody knows.
    private var fraction: Double? {
        switch measure {
        case .bytes(let done, let total, _):
            guard let total, total > 0 else { return nil }
            return min(1, max(0, Double(done) / Double(total)))
        case .percent(let percent, _): return min(1, max(0, percent / 100))
        }
    }

    private func facts(elapsed: Duration) -> String {
        var parts: [String] = []
        if let fraction { parts.append("\(Int((fraction * 100).rounded(.down))) %") }
        switch measure {
        case .bytes(let done, let total, let rate):
            parts.append(total.map { "\(ByteCount(done)) of \(ByteCount($0))" } ?? "\(ByteCount(done))")
            if let rate { parts.append("\(ByteCount(Int64(min(max(0, rate), 1e15))))/s") }
            if let left = timeLeft { parts.append("\(left.shortText) left") }
        case .percent(_, let note):
            parts.append(elapsed.shortText)
            if !note.isEmpty { parts.append(note) }
        }
        return parts.joined(separator: "  ")
    }

    /// What is left at the present rate.
    private var timeLeft: Duration? {
        guard case .bytes(let done, let total?, let rate?) = measure, rate >= 1, total > done else { return nil }
        return .seconds(min(Double(total - done) / rate, 8_640_000).rounded(.up))
    }
}

extension Duration {
    /// For people: `45 s`, `3 min 20 s`, `1 h 5 min`, `2 d 3 h`.
    var shortText: String {
        let seconds = max(0, components.seconds)
        switch seconds {
        case ..<60: return "\(seconds) s"
        case ..<3600: return "\(seconds / 60) min \(seconds % 60) s"
        case ..<86_400: return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
        default: return "\(seconds / 86_400) d \(seconds % 86_400 / 3600) h"
        }
    }
}
