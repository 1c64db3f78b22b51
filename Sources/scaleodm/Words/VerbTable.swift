internal import YAML

/// All verbs: finds the one that was typed and reads what follows it.
struct VerbTable: Sendable {
    /// What a command line asks for.
    enum Request: Sendable {
        /// To run a verb.
        case run(Invocation)
        /// A text for standard output.
        case show(String)
    }

    /// In the order of help.
    let verbs: [Verb]
    /// What `--version` shows.
    let version: String

    /// The verb of that name.
    func verb(_ name: String) -> Verb? { verbs.first { $0.name == name } }

    /// Reads a command line.
    /// - Parameters:
    ///   - words: what follows the program's name.
    ///   - environment: the value of a variable.
    /// - Returns: what is to be done.
    /// - Throws: `UsageError`.
    func read(
        _ words: [String], environment: @escaping @Sendable (String) -> String?
    ) throws(UsageError) -> Request {
        guard let first = words.first else { return .show(HelpText.program(self)) }
        switch first {
        case "--help", "-h": return .show(HelpText.program(self))
        case "help": return try help(Array(words.dropFirst()))
        case "--version", "version": return .show("scaleodm \(version)\n")
        default: break
        }
        let (verb, rest) = try find(words)
        var reader = WordReader(Invocation(verb: verb, environment: environment), words: rest)
        return try reader.read() ? .show(HelpText.verb(verb)) : .run(reader.invocation)
    }

    private func help(_ words: [String]) throws(UsageError) -> Request {
        words.isEmpty ? .show(HelpText.program(self)) : .show(HelpText.verb(try find(words).0))
    }

    /// The longest verb goes first: `tasks show` before `tasks`.
    private func find(_ words: [String]) throws(UsageError) -> (Verb, [String]) {
        for count in [2, 1] where words.count >= count {
            if let verb = verb(words.prefix(count).joined(separator: " ")) {
                return (verb, Array(words.dropFirst(count)))
            }
        }
        let typed = words.first ?? ""
        guard !typed.hasPrefix("-") else { throw UsageError(message: "a verb comes first, not `\(typed)`") }
        let question = Suggestion.question(for: typed, among: verbs.map(\.name))
        throw UsageError(message: "there is no verb `\(typed)`\(question)")
    }
}
