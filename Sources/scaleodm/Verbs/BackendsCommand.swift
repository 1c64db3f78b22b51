internal import NodeODM

/// `scaleodm backends`: how each backend is.
enum BackendsCommand {
    static let verb = Verb(
        name: "backends", summary: "list the backends of a running gateway: state, load, engine",
        flags: [.json, .admin, .token],
        examples: ["scaleodm backends", "scaleodm backends --json --admin http://127.0.0.1:31101"],
        failure: "the admin listener does not answer",
        run: { invocation in
            ClientProgram.run("backends") { program in try await run(invocation, program) }
        })

    private static func run(_ invocation: Invocation, _ program: ClientProgram) async throws {
        let token = invocation.value(.token)
        let client = AdminClient(
            try ServerAddress(invocation, .admin, token: nil), token: token, http: program.http)
        let answer = try await program.interrupts.ending { try await client.list(["api", "backends"]) }
        if invocation.has("json") { return Terminal.out(answer.line) }
        Terminal.out(table(answer.array ?? []))
    }

    /// What people see of the answer.
    static func table(_ backends: [JSONValue]) -> String {
        guard !backends.isEmpty else { return "No backend is listed: every task waits.\n" }
        var table = TextTable(["STATE", "BACKEND", "OURS", "BUSY", "TIER", "SEEN", "ENGINE", "URL", "LAST ERROR"])
        for backend in backends {
            let state = backend["state"]?.text ?? "?"
            // What it said last isn't how it is.
            let isKnown = state != "offline" && state != "unread"
            let unfinished = backend["unfinished"]?.integer.map { "\($0)" } ?? "?"
            let slots = backend["slots"]?.integer.map { "\($0)" } ?? "?"
            let age = backend["ageMilliseconds"]?.integer.map { "\(Duration.milliseconds($0).shortText) ago" }
            table.add([
                .init(state, state == "online" ? .green : state == "offline" ? .red : .yellow),
                .init(backend["name"]?.text ?? "?"), .init("\(backend["tasks"]?.integer ?? 0)"),
                .init(isKnown ? "\(unfinished) of \(slots)" : "-"), .init("\(backend["tier"]?.integer ?? 0)"),
                .init(age ?? "never"),
                .init(backend["engineVersion"]?.text ?? "?"), .init(backend["url"]?.text ?? ""),
                .init(backend["lastError"]?.text ?? ""),
            ])
        }
        return table.text
    }
}

extension JSONValue {
    /// One line of JSON.
    var line: String {
        var json = JSONWriter()
        json.value(self)
        return String(decoding: json.bytes, as: UTF8.self) + "\n"
    }
}
