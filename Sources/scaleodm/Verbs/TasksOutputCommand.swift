internal import NodeODM
internal import Reactor

/// `scaleodm tasks output UUID`: what a task prints.
enum TasksOutputCommand {
    private static let follow = Flag(name: "follow", letter: "f", help: "go on with new lines until the task is over")
    private static let lines = Flag(name: "lines", letter: "n", value: "N", help: "only the last N lines there are")

    static let verb = Verb(
        name: "tasks output", summary: "print the console of a task, with -f also what is to come",
        arguments: [.init(name: "UUID", help: "the task")], flags: [follow, lines, .json, .admin, .token],
        details: "With --json each part is an object of a line: the lines, and the number of the line behind them.",
        examples: ["scaleodm tasks output 6b2f2fae-4d9c-4b3a-9c7e-1f2d3c4b5a69 -f -n 20"],
        failure: "no such task, or the admin listener does not answer",
        run: { invocation in
            ClientProgram.run("tasks output") { program in try await run(invocation, program) }
        })

    private static let interval = Duration.seconds(1)

    private static func run(_ invocation: Invocation, _ program: ClientProgram) async throws {
        let uuid = invocation.arguments[0]
        var first = "0"
        if let text = invocation.value("lines") {
            guard let count = Int(text), count > 0 else { throw CommandError("--lines takes a number from 1") }
            first = "-\(count)"
        }
        let (begin, client) = (first, try AdminClient(invocation, program))
        do {
            try await program.interrupts.ending {
                try await print(uuid, from: begin, invocation, client, program.loop)
            }
        } catch is Interrupts.Interrupted where invocation.has("follow") {
            // How one stops reading.
        }
    }

    private static func print(
        _ uuid: String, from begin: String, _ invocation: Invocation, _ client: AdminClient, _ loop: EventLoop
    ) async throws {
        var line = begin
        while true {
            // Asked for before its lines are read: once it is over, no more can come behind them.
            let isOver = invocation.has("follow") ? try await isOver(uuid, client) : true
            var part: (next: Int64, isEmpty: Bool)
            repeat {
                part = try await printPart(uuid, from: line, invocation, client)
                line = "\(part.next)"
            } while !part.isEmpty
            if isOver { return }
            try await loop.sleep(for: interval)
        }
    }

    private static func printPart(
        _ uuid: String, from line: String, _ invocation: Invocation, _ client: AdminClient
    ) async throws -> (next: Int64, isEmpty: Bool) {
        guard let answer = try await client.get(["api", "tasks", uuid, "output"], query: [("line", line)]) else {
            throw CommandError.noTask(uuid)
        }
        let lines = (answer["lines"]?.array ?? []).compactMap(\.text)
        let next = answer["next"]?.integer ?? 0
        // A restart began the console anew.
        if let asked = Int64(line), next < asked { return (0, false) }
        if invocation.has("json") {
            Terminal.out(answer.line)
        } else {
            Terminal.out(lines.map { "\($0.printable)\n" }.joined())
        }
        return (next, lines.isEmpty)
    }

    private static func isOver(_ uuid: String, _ client: AdminClient) async throws -> Bool {
        guard let task = try await client.get(["api", "tasks", uuid]) else { throw CommandError.noTask(uuid) }
        return TasksCommand.isOver(task)
    }
}
