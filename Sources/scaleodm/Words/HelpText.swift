/// Writes help out of the table.
enum HelpText {
    /// `scaleodm --help`.
    static func program(_ table: VerbTable) -> String {
        var text = "scaleodm \(table.version): many NodeODM nodes behind one address\n\nUsage: scaleodm VERB …\n\n"
        text += columns(table.verbs.map { ($0.name, $0.summary) })
        text += "\nscaleodm VERB --help tells more of each. Exit codes: 0 done, 1 failed, 2 used wrongly.\n"
        return text
    }

    /// `scaleodm VERB --help`.
    static func verb(_ verb: Verb) -> String {
        var text = "scaleodm \(verb.name): \(verb.summary)\n\nUsage: \(verb.usage)\n"
        if !verb.details.isEmpty { text += "\n\(verb.details)\n" }
        text += "\n" + columns(verb.arguments.map { ($0.name, $0.help) } + verb.allFlags.map { (names($0), help($0)) })
        if !verb.examples.isEmpty { text += "\nExamples:\n" + verb.examples.map { "  \($0)\n" }.joined() }
        text += "\nExit codes: 0 done, 1 \(verb.failure), 2 used wrongly.\n"
        return text
    }

    private static func names(_ flag: Flag) -> String {
        let long = flag.value.map { "--\(flag.name) \($0)" } ?? "--\(flag.name)"
        return flag.letter.map { "-\($0), \(long)" } ?? long
    }

    private static func help(_ flag: Flag) -> String {
        var notes: [String] = []
        if let variable = flag.environment { notes.append("or \(variable)") }
        if let fallback = flag.fallback { notes.append("else \(fallback)") }
        if flag.repeats { notes.append("may be repeated") }
        return notes.isEmpty ? flag.help : "\(flag.help) (\(notes.joined(separator: ", ")))"
    }

    private static func columns(_ rows: [(String, String)]) -> String {
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { name, help in
            let gap = String(repeating: " ", count: width - name.count + 2)
            return "  \(name)\(gap)\(help)\n"
        }.joined()
    }
}
