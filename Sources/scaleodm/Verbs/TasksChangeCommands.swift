internal import HTTPTypes
internal import NodeODM

/// `scaleodm tasks VERB UUID…`: what changes tasks of a running gateway.
enum TasksChangeCommands {
    /// All of them, in the order of help.
    static let verbs = [
        Change(
            word: "cancel", summary: "end tasks; they can be begun anew later", done: "is cancelled",
            details: "A task that runs is ended on its backend; it counts as cancelled at once."
        ).verb,
        Change(
            word: "retry", summary: "begin tasks anew that failed or were cancelled", done: "begins anew",
            details: """
                A task that waits for an operator, because nobody can tell whether its backend has it, is given back to the
                queue: look there first, it would run twice.
                """
        ).verb,
        Change(
            word: "move", summary: "take tasks off their backend and begin them elsewhere", done: "moves",
            flags: [to],
            details: """
                Inputs on their way are sent anew. What runs is ended first and begins anew, once that is seen; a run that has
                ended by itself keeps its end. On a backend that does not answer it is refused: start it, or use
                `scaleodm backends evacuate`.
                """,
            example: "--to node2"
        ).verb,
        Change(
            word: "remove", summary: "forget tasks, with their images and results", done: "is removed", asks: true,
            details: "What runs is ended. Results that lie in a bucket of the client stay."
        ).verb,
    ]

    private static let to = Flag(
        name: "to", value: "BACKEND", help: "where; else the gateway chooses, but not where the task is")
    private static let yes = Flag(name: "yes", help: "do not ask")

    /// One of the verbs.
    private struct Change {
        let word: String
        let summary: String
        /// What a task is then.
        let done: String
        /// Whether somebody is asked first.
        var asks = false
        var flags: [Flag] = []
        let details: String
        var example = ""

        var verb: Verb {
            let example = ["scaleodm tasks \(word) 6b2f2fae-4d9c-4b3a-9c7e-1f2d3c4b5a69", example].filter {
                !$0.isEmpty
            }
            return Verb(
                name: "tasks \(word)", summary: summary,
                arguments: [.init(name: "UUID", count: .oneOrMore, help: "the tasks")],
                flags: flags + (asks ? [yes] : []) + [.json, .admin, .token], details: details,
                examples: [example.joined(separator: " ")],
                failure: "no such task, it can't be as it is now, or the admin listener does not answer",
                run: { invocation in
                    ClientProgram.run("tasks \(word)") { program in try await run(invocation, program) }
                })
        }

        private func run(_ invocation: Invocation, _ program: ClientProgram) async throws {
            if asks, !invocation.has("yes") {
                let count = invocation.arguments.count
                try await Question.confirm(
                    "Remove \(count == 1 ? "the task" : "\(count) tasks") with images and results? [y/N] ", program)
            }
            let client = try AdminClient(invocation, program)
            var failures: [String] = []
            // One that can't be changed doesn't hold up the others.
            for uuid in invocation.arguments {
                do {
                    let answer = try await program.interrupts.ending { try await ask(client, uuid, invocation) }
                    Terminal.out(invocation.has("json") ? answer.line : text(uuid, answer))
                } catch let error as CommandError where error.isAboutOne {
                    failures.append("\(uuid.printable): \(error)")
                }
            }
            if !failures.isEmpty { throw CommandError(failures.joined(separator: "\n")) }
        }

        private func ask(_ client: AdminClient, _ uuid: String, _ invocation: Invocation) async throws -> JSONValue {
            if word == "remove" { return try await client.change(.delete, ["api", "tasks", uuid]) }
            let target = invocation.value("to").map { name in
                JSONValue.object([JSONMember(name: "to", value: .string(name))])
            }
            return try await client.change(.post, ["api", "tasks", uuid, word], body: target)
        }

        private func text(_ uuid: String, _ answer: JSONValue) -> String {
            let why = answer["task"]?["why"]?.text ?? ""
            return "\(uuid.printable) \(done)\(word == "move" && !why.isEmpty ? ": \(why.printable)" : "")\n"
        }
    }
}
