/// One verb of the command line: what may follow it, what `--help` says of it, and what it does.
///
/// The parser and the help read nothing else, so that a verb is described in one place.
struct Verb: Sendable {
    /// A word that stands alone, such as a file.
    struct Argument: Sendable {
        /// How many words it takes.
        enum Count: Sendable {
            case one
            case oneOrMore
            /// Comes last.
            case oneOrNone
        }

        /// As help shows it, such as `FILE`.
        var name: String
        /// How many.
        var count = Count.one
        /// What it is.
        var help: String
        /// All words that it may be, where those are few: completed by shells.
        var choices: [String] = []
    }

    /// As it is typed: one word, or two such as `tasks show`.
    var name: String
    /// One line for the list of verbs.
    var summary: String
    /// What stands alone, in its order.
    var arguments: [Argument] = []
    /// What begins with a hyphen.
    var flags: [Flag] = []
    /// A paragraph for its own help.
    var details = ""
    /// Commands as they are typed.
    var examples: [String] = []
    /// What it exits with beside 0 and 2.
    var failure: String
    /// Does it.
    /// - Returns: the exit code.
    var run: @Sendable (Invocation) -> Int32

    /// How it is used, in one line.
    var usage: String {
        var words = ["scaleodm", name]
        for argument in arguments {
            switch argument.count {
            case .one: words.append(argument.name)
            case .oneOrMore: words.append("\(argument.name)…")
            case .oneOrNone: words.append("[\(argument.name)]")
            }
        }
        for flag in flags {
            words.append(flag.isRequired ? flag.spelling : "[\(flag.spelling)]\(flag.repeats ? "…" : "")")
        }
        return words.joined(separator: " ")
    }

    /// All flags, with the one that every verb has.
    var allFlags: [Flag] { flags + [.help] }
}
