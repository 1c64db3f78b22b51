/// Writes the completion of fish out of the table.
enum FishCompletion {
    static func script(_ table: VerbTable) -> String {
        let words = CompletionWords(table: table)
        var lines = [
            "# fish completion of scaleodm, written by `scaleodm completions fish`.",
            """
            function __scaleodm_words
                # The words that are no flags, the one being typed left out.
                for word in (commandline -opc)[2..]
                    string match -q -- '-*' $word; or echo $word
                end
            end
            function __scaleodm_at
                # Whether nothing but these words was typed so far.
                test "$(string join ' ' (__scaleodm_words))" = "$argv"
            end
            function __scaleodm_verb
                # Whether these words were typed first.
                set -l words (__scaleodm_words)
                test "$(string join ' ' $words[1..(count $argv)])" = "$argv"
            end
            """, "complete -c scaleodm -f",
        ]
        lines.append("complete -c scaleodm -n '__scaleodm_at' -l help -s h -d 'show the verbs'")
        lines.append("complete -c scaleodm -n '__scaleodm_at' -l version -d 'show the version'")
        lines += words.firstWords.map { word("__scaleodm_at", $0) }
        lines += words.firstWords.map { word("__scaleodm_at help", $0) }
        for prefix in words.prefixes {
            lines += words.secondWords(behind: prefix).map { word("__scaleodm_at \(prefix)", $0) }
        }
        for verb in table.verbs { lines += self.lines(for: verb, words) }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func word(_ condition: String, _ word: CompletionWords.Word) -> String {
        "complete -c scaleodm -n '\(condition)' -a '\(word.word)' -d '\(quoted(word.summary))'"
    }

    private static func lines(for verb: Verb, _ words: CompletionWords) -> [String] {
        var condition = "__scaleodm_verb \(verb.name)"
        // `tasks` isn't meant where `tasks show` was typed.
        for second in words.secondWords(behind: verb.name) {
            condition += "; and not __scaleodm_verb \(verb.name) \(second.word)"
        }
        var lines = verb.allFlags.map { flag in
            var line = "complete -c scaleodm -n '\(condition)' -l \(flag.name)"
            if let letter = flag.letter { line += " -s \(letter)" }
            if let kind = CompletionWords.kind(of: flag) { line += " -r\(value(kind))" }
            return line + " -d '\(quoted(flag.help))'"
        }
        if let kind = CompletionWords.kind(of: verb), kind != .unknown {
            lines.append("complete -c scaleodm -n '\(condition)'\(value(kind))")
        }
        return lines
    }

    private static func value(_ kind: CompletionWords.Kind) -> String {
        switch kind {
        case .choices(let choices): " -f -a '\(choices.joined(separator: " "))'"
        case .file: " -F"
        case .folder: " -f -a '(__fish_complete_directories)'"
        case .unknown: " -f"
        }
    }

    private static func quoted(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("'", with: "\\'")
    }
}
