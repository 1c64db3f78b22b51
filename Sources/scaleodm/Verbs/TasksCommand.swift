internal import Model
internal import NodeODM
internal import Reactor

/// `scaleodm tasks`: what every task is doing.
enum TasksCommand {
    private static let states = TaskState.allCases.map(\.rawValue).joined(separator: ", ")
    private static let state = Flag(
        name: "state", value: "STATE", help: "only those in it: \(states)", choices: TaskState.allCases.map(\.rawValue))
    private static let limit = Flag(name: "limit", value: "N", fallback: "50", help: "how many, the newest first")

    static let verb = Verb(
        name: "tasks", summary: "list the tasks of a running gateway: state, backend, why they wait",
        flags: [
            state, Flag(name: "backend", value: "NAME", help: "only those that are there"),
            Flag(name: "owner", value: "NAME", help: "only those of the token of this name"),
            Flag(name: "search", value: "TEXT", help: "only those whose name or uuid contains it"), limit,
            Watching.flag,
            .json, .admin, .token,
        ],
        examples: ["scaleodm tasks --state queued --watch", "scaleodm tasks --search field-7 --json"],
        failure: "the admin listener does not answer",
        run: { invocation in
            ClientProgram.run("tasks") { program in try await run(invocation, program) }
        })

    private static let pageSize = 200

    private static func run(_ invocation: Invocation, _ program: ClientProgram) async throws {
        let client = try AdminClient(invocation, program)
        guard let limit = Int(invocation.value(limit) ?? ""), (1...1_000_000).contains(limit) else {
            throw CommandError("--limit takes a number from 1")
        }
        var query: [(String, String)] = []
        if let wanted = invocation.value(state) {
            guard TaskState(rawValue: wanted) != nil else {
                throw CommandError("there is no state `\(wanted)`", advice: "One of: \(states)")
            }
            query.append(("state", wanted))
        }
        for name in ["backend", "owner", "search"] {
            if let text = invocation.value(name) { query.append((name, text)) }
        }
        let filter = query
        try await Watching.run(invocation, program) {
            let (tasks, hasMore) = try await list(client, filter, limit)
            if invocation.has("json") { return JSONValue.array(tasks).line }
            if hasMore { Terminal.err("There are more: --limit N shows them.\n") }
            return table(tasks, now: SystemClock().wallMilliseconds())
        }
    }

    private static func list(
        _ client: AdminClient, _ filter: [(String, String)], _ limit: Int
    ) async throws -> ([JSONValue], Bool) {
        var tasks: [JSONValue] = []
        var after: String?
        repeat {
            let page =
                filter + [("limit", "\(min(pageSize, limit - tasks.count))")] + (after.map { [("after", $0)] } ?? [])
            let answer = try await client.list(["api", "tasks"], query: page)
            tasks += answer["tasks"]?.array ?? []
            after = answer["next"]?.text
        } while after != nil && tasks.count < limit
        return (tasks, after != nil)
    }

    /// What people see of the answer.
    static func table(_ tasks: [JSONValue], now: Int64) -> String {
        guard !tasks.isEmpty else { return "No task.\n" }
        var table = TextTable(["STATE", "BACKEND", "DONE", "IMAGES", "AGE", "TASK", "NAME", "WHY"])
        for task in tasks {
            let state = task["state"]?.text ?? "?"
            let age = task["createdAt"]?.integer.map { Duration.milliseconds(max(0, now - $0)).shortText } ?? "?"
            table.add([
                .init(state, colour(of: state)), .init(task["backend"]?.text ?? "-"),
                .init(done(task)),
                .init("\(task["images"]?.integer ?? 0)"), .init(age), .init(task["uuid"]?.text ?? "?"),
                .init(task["name"]?.text ?? ""), .init(task["why"]?.text ?? ""),
            ])
        }
        return table.text
    }

    private static func done(_ task: JSONValue) -> String {
        let percent = min(100, max(0, task["progress"]?.number ?? 0))
        return ProgressBar.cell(percent / 100, "\(Int(percent)) %")
    }

    /// Whether nothing will happen to a task any more, as the answer says.
    static func isOver(_ task: JSONValue) -> Bool { TaskState(rawValue: task["state"]?.text ?? "")?.isFinal ?? false }

    /// How a state is shown.
    static func colour(of state: String) -> Terminal.Colour? {
        switch TaskState(rawValue: state) {
        case .completed: .green
        case .failed: .red
        case .canceled: .grey
        case .receiving, .queued: .yellow
        case .dispatching, .placed, nil: nil
        }
    }
}
