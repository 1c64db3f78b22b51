internal import HTTPTypes
internal import NodeODM

/// `scaleodm backends VERB NAME`: what changes one backend of a running gateway.
enum BackendsChangeCommands {
    /// All of them, in the order of help.
    static let verbs = [
        BackendsAddCommand.verb, removal,
        plain("lock", "give a backend no new tasks; what runs there goes on", "is locked"),
        plain("unlock", "give a locked backend tasks again", "is not locked any more"),
        plain("drain", "give a backend no new tasks, and move away those that have not begun", "is draining"),
        plain("undrain", "give a draining backend tasks again", "is not draining any more"),
        evacuation,
    ]

    private static let name = Verb.Argument(name: "NAME", help: "the backend, as the inventory calls it")
    private static let failure = "no such backend, or the admin listener does not answer"

    /// A verb that does what it is called by.
    private static func plain(_ word: String, _ summary: String, _ done: String) -> Verb {
        Verb(
            name: "backends \(word)", summary: summary, arguments: [name], flags: [.json, .admin, .token],
            examples: ["scaleodm backends \(word) node1"], failure: failure,
            run: { invocation in
                ClientProgram.run("backends \(word)") { program in
                    let name = invocation.arguments[0]
                    let answer = try await change(invocation, program, .post, ["api", "backends", name, word])
                    Terminal.out(invocation.has("json") ? answer.line : "\(name.printable) \(done)\n")
                }
            })
    }

    private static let removal = Verb(
        name: "backends remove", summary: "take away a backend that was added at run time", arguments: [name],
        flags: [
            Flag(name: "forget", help: "give up the results of a retired backend that will never be back"), .json,
            .admin,
            .token,
        ],
        details: """
            It gets no new tasks, serves those that it has, and is gone once none is left. A backend of the inventory is
            taken out there.
            """,
        examples: ["scaleodm backends remove node9"], failure: failure,
        run: { invocation in
            ClientProgram.run("backends remove") { program in
                let name = invocation.arguments[0]
                let query = invocation.has("forget") ? [("forget", "true")] : []
                let answer = try await change(
                    invocation, program, .delete, ["api", "backends", name], query: query)
                if invocation.has("json") { return Terminal.out(answer.line) }
                let isGone = answer["state"]?.text == "removed"
                Terminal.out("\(name.printable) \(isGone ? "is removed" : "is retired: it serves what it has")\n")
            }
        })

    private static let evacuation = Verb(
        name: "backends evacuate", summary: "start a backend's tasks elsewhere at once, also those that run",
        arguments: [name], flags: [Flag(name: "yes", help: "do not ask"), .json, .admin, .token],
        details: """
            For a backend that is gone, or has to be. What runs there begins anew on another backend; what is left of it is
            removed when the backend answers. It stays draining.
            """,
        examples: ["scaleodm backends evacuate node1 --yes"], failure: failure,
        run: { invocation in
            ClientProgram.run("backends evacuate") { program in
                let name = invocation.arguments[0]
                if !invocation.has("yes") {
                    try await Question.confirm("Begin all tasks of \(name.printable) anew elsewhere? [y/N] ", program)
                }
                let answer = try await change(invocation, program, .post, ["api", "backends", name, "evacuate"])
                if invocation.has("json") { return Terminal.out(answer.line) }
                let (moved, left) = (answer["moved"]?.integer ?? 0, answer["left"]?.integer ?? 0)
                Terminal.out("\(moved) moved away from \(name.printable)\n")
                if left > 0 { Terminal.err("\(left) stay: their images are gone, or they need the project there\n") }
            }
        })

    /// Asks for a change.
    /// - Throws: `CommandError` where it isn't done.
    static func change(
        _ invocation: Invocation, _ program: ClientProgram, _ method: HTTPMethod, _ segments: [String],
        query: [(String, String)] = [], body: JSONValue? = nil
    ) async throws -> JSONValue {
        let client = try AdminClient(invocation, program)
        return try await program.interrupts.ending {
            try await client.change(method, segments, query: query, body: body)
        }
    }
}
