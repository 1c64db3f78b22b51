internal import YAML

/// Reads the words behind a verb by the verb's table.
struct WordReader {
    private(set) var invocation: Invocation
    private var words: ArraySlice<String>
    private var wantsHelp = false
    private var verb: Verb { invocation.verb }

    init(_ invocation: Invocation, words: [String]) {
        self.invocation = invocation
        self.words = words[...]
    }

    /// Reads all of them.
    /// - Returns: whether help was asked for, which goes before every mistake.
    /// - Throws: `UsageError`.
    mutating func read() throws(UsageError) -> Bool {
        if words.prefix(while: { $0 != "--" }).contains(where: { $0 == "--help" || $0 == "-h" }) { return true }
        while let word = words.popFirst() {
            if word == "--" {
                invocation.arguments += words
                words = []
            } else if word.hasPrefix("--") {
                try readLong(word)
            } else if word.hasPrefix("-"), word.count > 1 {
                try readShort(word)
            } else {
                invocation.arguments.append(word)
            }
        }
        try check()
        return false
    }

    /// `--flag`, `--flag VALUE` or `--flag=VALUE`.
    private mutating func readLong(_ word: String) throws(UsageError) {
        let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        guard let flag = verb.allFlags.first(where: { $0.name == name }) else {
            let question = Suggestion.question(for: "--\(name)", among: verb.allFlags.map { "--\($0.name)" })
            throw fault("there is no flag `--\(name)`\(question)")
        }
        try take(flag, parts.count == 2 ? String(parts[1]) : nil)
    }

    /// `-f` or `-f VALUE`.
    private mutating func readShort(_ word: String) throws(UsageError) {
        guard word.count == 2, let flag = verb.allFlags.first(where: { $0.letter == word.last }) else {
            throw fault("there is no flag `\(word)`")
        }
        try take(flag, nil)
    }

    private mutating func take(_ flag: Flag, _ attached: String?) throws(UsageError) {
        var value = attached
        if let wanted = flag.value {
            if value == nil { value = words.popFirst() }
            guard value != nil else { throw fault("`--\(flag.name)` needs a value: \(wanted)") }
        } else if attached != nil {
            throw fault("`--\(flag.name)` takes no value")
        }
        if invocation.has(flag.name), flag.value != nil, !flag.repeats {
            throw fault("`--\(flag.name)` was given twice")
        }
        invocation.values[flag.name, default: []].append(value ?? "")
    }

    private func check() throws(UsageError) {
        for flag in verb.flags where flag.isRequired && invocation.value(flag) == nil {
            throw fault("`\(flag.spelling)` is missing")
        }
        let count = invocation.arguments.count
        if count < verb.arguments.count, verb.arguments[count].count != .oneOrNone {
            throw fault("\(verb.arguments[count].name) is missing")
        }
        let takesMore = verb.arguments.contains { $0.count == .oneOrMore }
        if !takesMore, count > verb.arguments.count {
            let extra = invocation.arguments[verb.arguments.count]
            throw fault("`\(extra)` is one word too many")
        }
    }

    private func fault(_ message: String) -> UsageError { UsageError(message: message, verb: verb.name) }
}
