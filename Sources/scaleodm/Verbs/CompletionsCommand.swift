/// `scaleodm completions SHELL`: what a shell needs to complete this program's words.
enum CompletionsCommand {
    private static let scripts: [(shell: String, script: @Sendable (VerbTable) -> String)] = [
        ("bash", { BashCompletion.script($0) }), ("zsh", { ZshCompletion.script($0) }),
        ("fish", { FishCompletion.script($0) }),
    ]

    static let verb: Verb = Verb(
        name: "completions", summary: "write the completions of a shell",
        arguments: [
            .init(name: "SHELL", help: "bash, zsh or fish", choices: scripts.map(\.shell))
        ],
        details: "The Debian package brings them along; elsewhere write them where the shell looks for them.",
        examples: [
            "source <(scaleodm completions bash)",
            "scaleodm completions zsh > ~/.zfunc/_scaleodm",
            "scaleodm completions fish > ~/.config/fish/completions/scaleodm.fish",
        ],
        failure: "there is no such shell",
        run: { invocation in
            let shell = invocation.arguments[0]
            guard let found = scripts.first(where: { $0.shell == shell }) else {
                Terminal.err(
                    "scaleodm completions: there are none for `\(shell)`; for bash, zsh and fish there are\n")
                return 1
            }
            Terminal.out(found.script(Verbs.table))
            return 0
        })
}
