internal import HTTPTypes
internal import NodeODM

/// `scaleodm backends rank`: where a task would go, and why not elsewhere.
enum BackendsRankCommand {
    private static let images = Flag(name: "images", value: "N", fallback: "0", help: "how many images it has")
    private static let bytes = Flag(name: "bytes", value: "N", help: "the size of all its files")
    private static let label = Flag(
        name: "label", value: "KEY=VALUE", repeats: true, help: "a label that its token asks of backends")

    static let verb = Verb(
        name: "backends rank", summary: "tell where a task would go now, and why not elsewhere",
        flags: [images, bytes, SubmitCommand.option, label, .json, .admin, .token],
        details: """
            Nothing is sent anywhere: the scheduler is asked what it would do with such a task, were it the next one.
            """,
        examples: ["scaleodm backends rank --images 800 --option dsm=true"],
        failure: "a value that can't be, or the admin listener does not answer",
        run: { invocation in
            ClientProgram.run("backends rank") { program in try await run(invocation, program) }
        })

    private static func run(_ invocation: Invocation, _ program: ClientProgram) async throws {
        let (client, question) = (try AdminClient(invocation, program), try question(invocation))
        let answer = try await program.interrupts.ending {
            try await client.change(.post, ["api", "rank"], body: question)
        }
        Terminal.out(invocation.has("json") ? answer.line : text(answer))
    }

    /// What the gateway is asked.
    private static func question(_ invocation: Invocation) throws(CommandError) -> JSONValue {
        var members: [JSONMember] = []
        for flag in [images, bytes] {
            guard let text = invocation.value(flag) else { continue }
            guard let number = Int64(text), number >= 0 else {
                throw CommandError("--\(flag.name) takes a whole number from 0, not `\(text)`")
            }
            members.append(JSONMember(name: flag.name, value: .integer(number)))
        }
        let options = try SubmitCommand.options(invocation.all(SubmitCommand.option.name))
        if let value = try? JSONValue(parsing: options) { members.append(JSONMember(name: "options", value: value)) }
        var labels: [JSONMember] = []
        for pair in invocation.all(label.name) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !parts[0].isEmpty else { throw CommandError("`\(pair)` is not KEY=VALUE") }
            labels.append(JSONMember(name: parts[0], value: .string(parts[1])))
        }
        return .object(members + [JSONMember(name: "labels", value: .object(labels))])
    }

    /// What people see of the answer.
    static func text(_ answer: JSONValue) -> String {
        let candidates = answer["candidates"]?.array ?? []
        guard !candidates.isEmpty else { return "No backend is listed: every task waits.\n" }
        var table = TextTable(["RANK", "BACKEND", "KIND", "TIER", "WAIT", "WHY"])
        for candidate in candidates {
            let rank = candidate["rank"]?.integer
            let colour: Terminal.Colour =
                rank != nil ? .green : candidate["eligible"]?.bool == true ? .yellow : .red
            let wait = candidate["predictedWait"]?.number.map { Duration.seconds($0).shortText }
            table.add([
                .init(rank.map { "\($0)" } ?? "-", colour), .init(candidate["backend"]?.text ?? "?"),
                .init(candidate["kind"]?.text ?? "?"), .init("\(candidate["tier"]?.integer ?? 0)"),
                .init(wait ?? "?"), .init(candidate["reason"]?.text ?? ""),
            ])
        }
        let chosen = answer["chosen"]?.text.map { "It would go to \($0.printable) now." } ?? "It would wait."
        return "\(table.text)\n\(chosen)\n"
    }
}
