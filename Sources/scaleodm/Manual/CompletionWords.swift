/// What shells complete, out of the table of verbs: the same for every shell.
struct CompletionWords: Sendable {
    /// What stands where a value or a word is wanted.
    enum Kind: Equatable, Sendable {
        /// One of a few words.
        case choices([String])
        /// A file.
        case file
        /// A folder.
        case folder
        /// Something that nothing is known of.
        case unknown
    }

    /// A word of the first place, or of the second place behind `tasks` and the like.
    struct Word: Equatable, Sendable {
        var word: String
        var summary: String
    }

    let table: VerbTable

    /// What may stand first: verbs in one word, and the first words of the others.
    var firstWords: [Word] {
        var found: [Word] = []
        for verb in table.verbs {
            let first = Self.first(of: verb)
            guard !found.contains(where: { $0.word == first }) else { continue }
            found.append(Word(word: first, summary: table.verb(first)?.summary ?? verb.summary))
        }
        return found + [Word(word: "help", summary: "show the verbs, or tell more of one")]
    }

    /// What may stand second behind a first word: `show` behind `tasks`.
    func secondWords(behind first: String) -> [Word] {
        table.verbs.compactMap { verb in
            guard let second = Self.second(of: verb), Self.first(of: verb) == first else { return nil }
            return Word(word: second, summary: verb.summary)
        }
    }

    /// First words that others stand behind.
    var prefixes: [String] { firstWords.map(\.word).filter { !secondWords(behind: $0).isEmpty } }

    /// What a flag's value is; nil where it has none.
    static func kind(of flag: Flag) -> Kind? {
        guard let value = flag.value else { return nil }
        return flag.choices.isEmpty ? kind(ofPlaceholder: value) : .choices(flag.choices)
    }

    /// What a verb's words are; nil where it takes none.
    static func kind(of verb: Verb) -> Kind? {
        guard let argument = verb.arguments.first else { return nil }
        return argument.choices.isEmpty ? kind(ofPlaceholder: argument.name) : .choices(argument.choices)
    }

    private static func kind(ofPlaceholder name: String) -> Kind {
        switch name {
        case "FILE": .file
        case "DIR", "FOLDER": .folder
        default: .unknown
        }
    }

    /// As a flag is typed: both spellings where it has a letter.
    static func spellings(of flag: Flag) -> [String] {
        ["--\(flag.name)"] + (flag.letter.map { ["-\($0)"] } ?? [])
    }

    private static func first(of verb: Verb) -> String { String(verb.name.prefix { $0 != " " }) }
    private static func second(of verb: Verb) -> String? {
        let words = verb.name.split(separator: " ")
        return words.count > 1 ? String(words[1]) : nil
    }
}
