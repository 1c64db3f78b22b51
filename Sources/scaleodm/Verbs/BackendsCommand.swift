internal import NodeODM

/// `scaleodm backends`: how each backend is.
enum BackendsCommand {
    static let verb = Verb(
        name: "backends", summary: "list the backends of a running gateway: state, load, engine",
        arguments: [.init(name: "NAME", count: .oneOrNone, help: "only this one")],
        flags: [Watching.flag, .json, .admin, .token],
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
        try await Watching.run(invocation, program) {
            var answer = try await client.list(["api", "backends"])
            if let name = invocation.arguments.first {
                let named = (answer.array ?? []).filter { $0["name"]?.text == name }
                guard !named.isEmpty else {
                    throw CommandError(
                        "there is no backend `\(name)`", advice: "See which there are: scaleodm backends")
                }
                answer = .array(named)
            }
            if invocation.has("json") { return answer.line }
            return table(answer.array ?? []) + (invocation.arguments.isEmpty ? "" : advice(answer.array ?? []))
        }
    }

    /// Since when a backend is offline, and what to do; nothing of one that answers.
    static func advice(_ backends: [JSONValue]) -> String {
        backends.compactMap { backend in
            guard let advice = backend["advice"]?.text else { return nil }
            let since = backend["offlineSince"]?.text.map { "is offline since \($0.prefix(19))Z" }
            let silence = since ?? "has not answered since the gateway was started"
            return "\n" + "\(backend["name"]?.text ?? "?") \(silence): \(advice)".printable + "\n"
        }.joined()
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
                .init(isKnown ? busy(backend, "\(unfinished) of \(slots)") : "-"),
                .init("\(backend["tier"]?.integer ?? 0)"),
                .init(age ?? "never"),
                .init(backend["engineVersion"]?.text ?? "?"), .init(backend["url"]?.text ?? ""),
                .init(backend["lastError"]?.text ?? ""),
            ])
        }
        return table.text + backends.compactMap(orphans).joined()
    }

    /// What people are told of runs that no record knows; nil where there are none.
    private static func orphans(_ backend: JSONValue) -> String? {
        guard let count = backend["orphans"]?["count"]?.integer, count > 0 else { return nil }
        let newest = (backend["orphans"]?["newest"]?.array ?? []).compactMap(\.text)
        let more = count > Int64(newest.count) ? ", …" : ""
        return """
            \(backend["name"]?.text ?? "?") has \(count) of our runs that no record knows: \(newest.joined(separator: ", "))\(more)
            (collect_orphans: true removes those that are older than an hour)

            """
    }

    private static func busy(_ backend: JSONValue, _ text: String) -> String {
        guard let unfinished = backend["unfinished"]?.number, let slots = backend["slots"]?.number, slots > 0 else {
            return text
        }
        return ProgressBar.cell(unfinished / slots, text)
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
