internal import Model
internal import NodeODM

/// `scaleodm tasks show UUID`: where a task is and why, from its first event to its last.
enum TasksShowCommand {
    static let verb = Verb(
        name: "tasks show", summary: "tell where one task went, and why: its whole history",
        arguments: [.init(name: "UUID", help: "the task")],
        flags: [.json, .admin, .token],
        examples: ["scaleodm tasks show 6b2f2fae-4d9c-4b3a-9c7e-1f2d3c4b5a69"],
        failure: "no such task, or the admin listener does not answer",
        run: { invocation in
            ClientProgram.run("tasks show") { program in try await run(invocation, program) }
        })

    private static func run(_ invocation: Invocation, _ program: ClientProgram) async throws {
        let client = try AdminClient(invocation, program)
        let uuid = invocation.arguments[0]
        guard let task = try await program.interrupts.ending({ try await client.get(["api", "tasks", uuid]) }) else {
            throw CommandError.noTask(uuid)
        }
        Terminal.out(invocation.has("json") ? task.line : text(task))
    }

    /// What people see of the answer.
    static func text(_ task: JSONValue) -> String {
        let state = task["state"]?.text ?? "?"
        let progress = Int(min(100, max(0, task["progress"]?.number ?? 0)))
        var lines = [
            "Task     \(task["uuid"]?.text?.printable ?? "?")  \(task["name"]?.text?.printable ?? "")",
            "State    \(Terminal.coloured(state.printable, TasksCommand.colour(of: state) ?? .grey))  \(progress) %",
            "Images   \(task["images"]?.integer ?? 0)",
        ]
        if let backend = task["backend"]?.text { lines.append("Backend  \(backend.printable)") }
        if let why = task["why"]?.text, !why.isEmpty { lines.append("Why      \(why.printable)") }
        return lines.map { "\($0)\n" }.joined() + "\n" + events(task["events"]?.array ?? [])
    }

    /// The history, oldest first.
    static func events(_ events: [JSONValue]) -> String {
        var table = TextTable(["AT (UTC)", "WHAT", "BACKEND", "WHY"])
        for event in events {
            table.add([
                .init(event["time"]?.text ?? "?"), .init(event["kind"]?.text ?? "?"),
                .init(event["backend"]?.text ?? "-"), .init(event["detail"]?.text ?? ""),
            ])
        }
        return table.text
    }
}
