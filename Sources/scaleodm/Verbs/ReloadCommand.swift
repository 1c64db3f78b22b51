internal import HTTPTypes
internal import NodeODM

/// `scaleodm reload`: has the gateway read its inventory again.
enum ReloadCommand {
    static let verb = Verb(
        name: "reload", summary: "have a running gateway read its inventory again", flags: [.json, .admin, .token],
        details: """
            Backends and tokens are taken over at once; what takes a restart is named. A file with mistakes changes nothing. The
            gateway does the same by itself when the file changes, and on SIGHUP.
            """,
        examples: ["scaleodm reload"], failure: "mistakes in the file, or the admin listener does not answer",
        run: { invocation in
            ClientProgram.run("reload") { program in
                let answer = try await BackendsChangeCommands.change(invocation, program, .post, ["api", "reload"])
                if invocation.has("json") { return Terminal.out(answer.line) }
                Terminal.out(text(answer))
                let keys = names(answer["needRestart"])
                if !keys.isEmpty { Terminal.err("warning: take a restart: \(keys)\n") }
                for warning in answer["warnings"]?.array ?? [] {
                    Terminal.err("warning: \(warning.text?.printable ?? "")\n")
                }
            }
        })

    /// A line for each kind of change.
    static func text(_ answer: JSONValue) -> String {
        let lines = ["added", "changed", "retired", "removed"].compactMap { word -> String? in
            let names = names(answer[word])
            return names.isEmpty ? nil : "\(word): \(names)\n"
        }
        return lines.isEmpty ? "no backend changed\n" : lines.joined()
    }

    private static func names(_ value: JSONValue?) -> String {
        (value?.array ?? []).compactMap { $0.text?.printable }.joined(separator: ", ")
    }
}
