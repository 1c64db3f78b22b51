/// Writes the completion of bash out of the table: for any bash from version 4, with or without the package bash-completion.
enum BashCompletion {
    static func script(_ table: VerbTable) -> String {
        let words = CompletionWords(table: table)
        return """
            # bash completion of scaleodm, written by `scaleodm completions bash`.
            _scaleodm_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2"); }
            _scaleodm_files() { compopt -o filenames 2>/dev/null || :; mapfile -t COMPREPLY < <(compgen "$1" -- "$2"); }

            _scaleodm() {
                local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]-}
                COMPREPLY=()
                # `--flag=value` is three words to bash.
                if [[ $cur == = ]]; then
                    cur=
                elif [[ $prev == = ]]; then
                    prev=${COMP_WORDS[COMP_CWORD - 2]}
                fi
                if [[ $COMP_CWORD -eq 1 ]]; then
                    _scaleodm_words '\(list(words.firstWords)) --help --version' "$cur"
                    return
                fi
                [[ $COMP_CWORD -gt 2 ]] && case "$verb ${COMP_WORDS[2]}" in
            \(twoWordVerbs(words))
                esac
                case "$verb $prev" in
            \(values(words))
                esac
                if [[ $cur == -* ]]; then
                    case $verb in
            \(flags(words))
                    esac
                    return
                fi
                case $verb in
            \(arguments(words))
                esac
            }
            complete -F _scaleodm scaleodm

            """
    }

    private static func list(_ words: [CompletionWords.Word]) -> String { words.map(\.word).joined(separator: " ") }

    private static func twoWordVerbs(_ words: CompletionWords) -> String {
        let names = words.table.verbs.map(\.name).filter { $0.contains(" ") }
        guard !names.isEmpty else { return "    *) ;;" }
        return "    \(names.map { "'\($0)'" }.joined(separator: " | "))) verb=\"$verb ${COMP_WORDS[2]}\" ;;"
    }

    /// What follows a flag that wants a value.
    private static func values(_ words: CompletionWords) -> String {
        var lines: [String] = []
        for verb in words.table.verbs {
            for flag in verb.allFlags {
                guard let kind = CompletionWords.kind(of: flag) else { continue }
                let patterns = CompletionWords.spellings(of: flag).map { "'\(verb.name) \($0)'" }
                lines.append("    \(patterns.joined(separator: " | "))) \(command(kind)) return ;;")
            }
        }
        return lines.joined(separator: "\n")
    }

    private static func flags(_ words: CompletionWords) -> String {
        words.table.verbs.map { verb in
            let spellings = verb.allFlags.flatMap { CompletionWords.spellings(of: $0) }
            return "        '\(verb.name)') _scaleodm_words '\(spellings.joined(separator: " "))' \"$cur\" ;;"
        }.joined(separator: "\n")
    }

    private static func arguments(_ words: CompletionWords) -> String {
        var lines: [String] = ["    help) _scaleodm_words '\(list(words.firstWords))' \"$cur\" ;;"]
        for first in words.prefixes {
            let seconds = list(words.secondWords(behind: first))
            lines.append("    \(first)) [[ $COMP_CWORD -eq 2 ]] && _scaleodm_words '\(seconds)' \"$cur\" ;;")
        }
        for verb in words.table.verbs where !words.prefixes.contains(verb.name) {
            guard let kind = CompletionWords.kind(of: verb), kind != .unknown else { continue }
            lines.append("    '\(verb.name)') \(command(kind)) return ;;")
        }
        return lines.joined(separator: "\n")
    }

    private static func command(_ kind: CompletionWords.Kind) -> String {
        switch kind {
        case .choices(let choices): "_scaleodm_words '\(choices.joined(separator: " "))' \"$cur\";"
        case .file: "_scaleodm_files -f \"$cur\";"
        case .folder: "_scaleodm_files -d \"$cur\";"
        case .unknown: ""
        }
    }
}
