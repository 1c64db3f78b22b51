internal import Model
internal import NodeODM

/// `scaleodm submit FILES…`: sends a task, and with `--wait` follows it to its end.
enum SubmitCommand {
    /// Also of other verbs that speak of a task's options.
    static let option = Flag(
        name: "option", letter: "o", value: "NAME=VALUE", repeats: true,
        help: "an option of the engine, such as dsm=true")

    static let verb = Verb(
        name: "submit", summary: "send images as a task, and with --wait follow it to its end",
        arguments: [
            .init(name: "FILE", count: .oneOrMore, help: "images, ground control points, and what else a node takes")
        ],
        flags: [
            option,
            Flag(name: "name", value: "TEXT", help: "the task's name"),
            Flag(name: "wait", help: "follow it to its end; its console's last lines are shown if it fails"),
            Flag(
                name: "cancel-on-interrupt",
                help:
                    "with --wait, Ctrl-C cancels the task too; without, it asks on a terminal, else leaves the task running"
            ),
            .json, .gateway, .token,
        ],
        details: """
            Files are sent in parallel, each again where its connection breaks. The task's uuid goes to standard output,
            everything else to standard error, so that `id=$(scaleodm submit …)` works.
            """,
        examples: [
            "scaleodm submit flight/*.JPG --option dsm=true --wait",
            "scaleodm submit flight/*.JPG gcp_list.txt --name field-7 --gateway http://gateway.example.org:31100",
        ],
        failure: "refused, interrupted, or (with --wait) the task failed or was canceled",
        run: { invocation in
            ClientProgram.run("submit") { program in try await run(invocation, program) }
        })

    /// Lines of the console shown of a failed task.
    private static let consoleLines = 30

    private static func run(_ invocation: Invocation, _ program: ClientProgram) async throws {
        let address = try ServerAddress(invocation, .gateway, token: invocation.value(.token))
        var files: [LocalFile] = []
        for path in invocation.arguments { files.append(try LocalFile(path)) }
        let fields = InitFields(
            name: invocation.value("name") ?? "", options: try options(invocation.all("option")))
        let submission = Submission(gateway: GatewayClient(address, program), files: files, fields: fields)
        let count = files.count == 1 ? "1 file" : "\(files.count) files"
        Terminal.err("Sending \(count), \(ByteCount(submission.bytes)), to \(address.endpoint)\n")
        let task = try await send(submission, program)
        guard invocation.has("wait") else {
            Terminal.out(invocation.has("json") ? #"{"uuid":"\#(task)"}"# + "\n" : "\(task)\n")
            return
        }
        if !invocation.has("json") { Terminal.out("\(task)\n") }
        try await wait(for: task, invocation, submission.gateway, program)
    }

    private static func send(
        _ submission: Submission, _ program: ClientProgram
    ) async throws -> BackendTaskID {
        let task: BackendTaskID
        do { task = try await program.interrupts.ending { try await submission.upload() } } catch {
            guard error is Interrupts.Interrupted else { throw error }
            throw CommandError("interrupted before all files were sent; nothing was started")
        }
        do { try await program.interrupts.ending { try await submission.gateway.commit(task) } } catch {
            guard error is Interrupts.Interrupted else { throw error }
            throw CommandError(
                "interrupted while task \(task) was being committed",
                advice: "Whether it runs: scaleodm tasks show \(task)")
        }
        return task
    }

    private static func wait(
        for task: BackendTaskID, _ invocation: Invocation, _ gateway: GatewayClient, _ program: ClientProgram
    ) async throws {
        let info: TaskInfo
        do {
            info = try await program.interrupts.ending { try await Follower(gateway: gateway, task: task).follow() }
        } catch is Interrupts.Interrupted {
            try await interrupted(task, invocation, gateway, program)
            throw Interrupts.Interrupted()
        }
        if invocation.has("json") {
            var json = JSONWriter()
            info.encode(into: &json)
            Terminal.out(String(decoding: json.bytes, as: UTF8.self) + "\n")
        }
        guard info.status == .completed else { throw await failure(info, task, gateway) }
        let time = Duration.milliseconds(max(0, info.processingTime)).shortText
        Terminal.err("Completed after \(time). Its results: scaleodm download \(task)\n")
    }

    private static func failure(_ info: TaskInfo, _ task: BackendTaskID, _ gateway: GatewayClient) async -> CommandError
    {
        if let lines = try? await gateway.console(of: task, last: consoleLines), !lines.isEmpty {
            Terminal.err("The last lines of its console:\n" + lines.map { "  \($0.printable)\n" }.joined())
        }
        let reason = info.errorMessage.map { ": \($0.printable)" } ?? ""
        return CommandError(
            "task \(task) \(info.status == .canceled ? "was canceled" : "failed\(reason)")",
            advice: "Where it was, and why: scaleodm tasks show \(task)")
    }

    /// Ctrl-C while the task runs: what becomes of the task is the user's to say.
    private static func interrupted(
        _ task: BackendTaskID, _ invocation: Invocation, _ gateway: GatewayClient, _ program: ClientProgram
    ) async throws {
        var cancels = invocation.has("cancel-on-interrupt")
        if !cancels, Terminal.canAsk {
            cancels = try await program.interrupts.ending {
                try await Question.ask("\nCancel the task, too? [y/N] ", on: program.loop)
            }
        }
        guard cancels else {
            Terminal.err("Task \(task) goes on. To see it: scaleodm tasks show \(task)\n")
            return
        }
        try await program.interrupts.ending { try await gateway.cancel(task) }
        Terminal.err("Task \(task) is canceled.\n")
    }

    /// Values go as text: the gateway knows each option's type.
    static func options(_ words: [String]) throws(CommandError) -> String {
        var options: [TaskOption] = []
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let name = parts.first, !name.isEmpty else {
                throw CommandError("`--option \(word)` has no name", advice: "Write --option NAME=VALUE.")
            }
            // A bare name switches something on.
            options.append(TaskOption(name: name, value: .string(parts.count == 2 ? parts[1] : "true")))
        }
        return TaskOption.text(of: options)
    }
}
