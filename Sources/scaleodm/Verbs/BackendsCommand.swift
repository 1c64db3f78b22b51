internal import NodeODM
internal import Reactor

/// `scaleodm backends`: how each backend is.
enum BackendsCommand {
    static let verb = Verb(
        name: "backends", summary: "list the backends of a running gateway: state, load, engine",
        arguments: [.init(name: "NAME", count: .oneOrNone, help: "only this one")],
        flags: [Flag(name: "watch", help: "show it anew every two seconds, until Ctrl-C"), .json, .admin, .token],
        examples: [
            "scaleodm backends", "scaleodm backends node1 --watch",
            "scaleodm backends --json --admin http://127.0.0.1:31101",
        ],
        failure: "no such backend, or the admin listener does not answer",
        run: { invocation in
            ClientProgram.run("backends") { program in try await run(invocation, program) }
        })

    private static func run(_ invocation: Invocation, _ program: ClientProgram) async throws {
        let client = try AdminClient(invocation, program)
        guard invocation.has("watch") else {
            return try await program.interrupts.ending { try await show(invocation, client, isFresh: false) }
        }
        do {
            try await program.interrupts.ending {
                while true {
                    try await show(invocation, client, isFresh: true)
                    try await program.loop.sleep(for: .seconds(2))
                }
            }
        } catch is Interrupts.Interrupted {
            // How a watch ends.
        }
    }

    private static func show(_ invocation: Invocation, _ client: AdminClient, isFresh: Bool) async throws {
        var answer = try await client.list(["api", "backends"])
        if let name = invocation.arguments.first {
            let named = (answer.array ?? []).filter { $0["name"]?.text == name }
            guard !named.isEmpty else {
                throw CommandError("there is no backend `\(name)`", advice: "See which there are: scaleodm backends")
            }
            answer = .array(named)
        }
        if invocation.has("json") { return Terminal.out(answer.line) }
        Terminal.out((isFresh ? Terminal.clear : "") + table(answer.array ?? []))
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
