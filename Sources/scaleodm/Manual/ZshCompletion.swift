/// Writes the completion of zsh out of the table, as a file `_scaleodm` of its function path.
enum ZshCompletion {
    static func script(_ table: VerbTable) -> String {
        let words = CompletionWords(table: table)
        return """
            #compdef scaleodm
            # zsh completion of scaleodm, written by `scaleodm completions zsh`.
            _scaleodm() {
                local -a found
                if (( CURRENT == 2 )); then
                    found=(
            \(described(words.firstWords))
                    )
                    _describe -t verbs verb found
                    return
                fi
                local verb=$words[2]
                case "$verb $words[3]" in
            \(twoWordVerbs(words))
                    *) shift words; (( CURRENT -= 1 )) ;;
                esac
                case $verb in
            \(cases(words))
                esac
            }
            if [[ $funcstack[1] == _scaleodm ]]; then _scaleodm "$@"; else compdef _scaleodm scaleodm; fi

            """
    }

    private static func described(_ words: [CompletionWords.Word]) -> String {
        words.map { "            '\($0.word):\(quoted($0.summary.replacing(":", with: "\\:")))'" }
            .joined(separator: "\n")
    }

    /// Where the second word is still being typed, it is no verb yet.
    private static func twoWordVerbs(_ words: CompletionWords) -> String {
        words.table.verbs.filter { $0.name.contains(" ") }.map { verb in
            "        '\(verb.name)') (( CURRENT > 3 )) && verb='\(verb.name)' && shift words && (( CURRENT -= 1 )); "
                + "shift words; (( CURRENT -= 1 )) ;;"
        }.joined(separator: "\n")
    }

    private static func cases(_ words: CompletionWords) -> String {
        var lines: [String] = []
        for verb in words.table.verbs {
            lines.append("        '\(verb.name)')")
            let seconds = words.secondWords(behind: verb.name)
            if !seconds.isEmpty {
                let list = "found=(\n\(described(seconds))\n            )"
                lines.append("            if (( CURRENT == 2 )); then\n            \(list)")
                lines.append("            _describe -t verbs verb found; fi")
            }
            let specs = verb.allFlags.map(spec) + argument(of: verb)
            lines.append("            _arguments \(specs.joined(separator: " \\\n                "))")
            lines.append("            ;;")
        }
        let first = words.prefixes.filter { words.table.verb($0) == nil }
        for prefix in first {
            lines.append("        \(prefix)) found=(\n\(described(words.secondWords(behind: prefix)))\n            )")
            lines.append("            _describe -t verbs verb found ;;")
        }
        lines.append("        help) found=(\n\(described(words.firstWords))\n            )")
        lines.append("            _describe -t verbs verb found ;;")
        return lines.joined(separator: "\n")
    }

    /// One flag as `_arguments` wants it: `'(-o --output)'{-o,--output}'[where to]:FILE:_files'`.
    private static func spec(_ flag: Flag) -> String {
        let help = "[\(quoted(bracketed(flag.help)))]"
        var value = ""
        if let name = flag.value, let kind = CompletionWords.kind(of: flag) { value = ":\(name):\(action(kind))" }
        let equals = flag.value == nil ? "" : "="
        let star = flag.repeats ? "*" : ""
        guard let letter = flag.letter else { return "'\(star)--\(flag.name)\(equals)\(help)\(value)'" }
        let exclusion = flag.repeats ? "'*'" : "'(-\(letter) --\(flag.name))'"
        return "\(exclusion){-\(letter),--\(flag.name)\(equals)}'\(help)\(value)'"
    }

    private static func argument(of verb: Verb) -> [String] {
        guard let argument = verb.arguments.first, let kind = CompletionWords.kind(of: verb) else { return [] }
        return ["'\(argument.count == .oneOrMore ? "*" : "1"):\(argument.name):\(action(kind))'"]
    }

    private static func action(_ kind: CompletionWords.Kind) -> String {
        switch kind {
        case .choices(let choices): "(\(choices.joined(separator: " ")))"
        case .file: "_files"
        case .folder: "_files -/"
        case .unknown: " "
        }
    }

    private static func bracketed(_ text: String) -> String {
        text.replacing("[", with: "\\[").replacing("]", with: "\\]").replacing(":", with: "\\:")
    }

    /// Inside single quotes.
    private static func quoted(_ text: String) -> String { text.replacing("'", with: "'\\''") }
}
