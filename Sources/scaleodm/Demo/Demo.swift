internal import Digests
internal import Model
internal import NodeODM
internal import Reactor

/// The main job before the user's eyes: two nodes, the gateway, two tasks from images to results; and, where it stays, tasks
/// that come and go on the dashboard.
struct Demo: Sendable {
    let program: ClientProgram
    let folder: DemoFolder
    /// The programs.
    let scaleodm: String
    let simulator: String
    /// What was started, to be stopped in reverse order.
    let children: StartedPrograms
    /// Whether everything stays, with a new task now and then, until Ctrl-C.
    let stays: Bool
    /// What the dashboard asks for: a new one each time, since any page in the browser can reach a loopback port.
    let token = RandomBytes.hexadecimal(bytes: 8)

    private static let nodes = ["node-a", "node-b"]
    private static let imagesPerTask = 12
    /// More than both nodes take at once, so that some wait.
    private static let firstTasks = 6
    /// After so many no new ones come: the demo's folder stays small, however long somebody looks.
    private static let lastTask = 240
    /// Both nodes together end a task in less time: the queue goes up and down, and doesn't grow.
    private static let pause = Duration.seconds(12)

    /// Runs all of it.
    func run() async throws {
        Self.say("Starting two simulated NodeODM nodes")
        var urls: [String] = []
        for name in Self.nodes { urls.append(try await startNode(name)) }
        let (url, adminURL) = try await startGateway(urls)
        Self.say("The gateway is at \(url), its admin listener at \(adminURL)")
        Self.say("\nThe dashboard, as long as the demo runs: \(adminURL)/\n  its token: \(token)\n")
        let gateway = GatewayClient(try ServerAddress.own(url, .gateway), program)
        var tasks: [BackendTaskID] = []
        for number in 1...2 { tasks.append(try await submit(number, to: gateway)) }
        if stays { return try await stay(gateway, dashboard: adminURL) }
        for (index, task) in tasks.enumerated() { try await collect(task, number: index + 1, from: gateway) }
        let admin = AdminClient(try ServerAddress.own(adminURL, .admin), token: token, http: program.http)
        for (index, task) in tasks.enumerated() { try await explain(task, number: index + 1, admin) }
    }

    /// Sends more tasks than fit, then one now and then; ends by Ctrl-C alone.
    private func stay(_ gateway: GatewayClient, dashboard: String) async throws {
        for number in 3...Self.firstTasks { _ = try await submit(number, to: gateway) }
        Self.say("\nTasks run and wait now: see why at \(dashboard)/ (token \(token)). Ctrl-C ends the demo.\n")
        for number in (Self.firstTasks + 1)...Self.lastTask {
            try await program.loop.sleep(for: Self.pause)
            _ = try await submit(number, to: gateway)
        }
        Self.say("No more tasks are sent; the dashboard stays until Ctrl-C.")
        while true { try await program.loop.sleep(for: .seconds(3600)) }
    }

    // MARK: The programs

    private func startNode(_ name: String) async throws -> String {
        let words = [
            simulator, "--port", "0", "--name", name, "--data", folder.folder(name), "--task-seconds",
            stays ? "20" : "4", "--max-parallel", "1", "--ranges",
        ]
        let child = try ChildProcess(name, words, log: "\(folder.path)/\(name).log", on: program.loop)
        children.add(child)
        let url = try await child.line(after: "listening on http://")
        Self.say("  \(name) at http://\(url)")
        return "http://\(url)"
    }

    private func startGateway(_ nodes: [String]) async throws -> (url: String, admin: String) {
        var inventory = """
            listen: 127.0.0.1:0
            admin: {listen: 127.0.0.1:0, token: "\(token)"}
            database: sqlite:data/scaleodm.db
            storage: {directory: data/storage, min_free: 64MiB}
            scheduling: {refresh: 1s}
            drain: {delay: 0s}
            backends:

            """
        for (name, url) in zip(Self.nodes, nodes) { inventory += "  - {name: \(name), url: \"\(url)\"}\n" }
        let file = try folder.write(Array(inventory.utf8), as: "gateway.yaml")
        let child = try ChildProcess(
            "the gateway", [scaleodm, "serve", "-c", file], log: "\(folder.path)/gateway.log", on: program.loop)
        children.add(child)
        let admin = try await child.line(after: "admin on ")
        return (try await child.line(after: "listening on "), admin)
    }

    // MARK: The tasks

    private func submit(_ number: Int, to gateway: GatewayClient) async throws -> BackendTaskID {
        let images = folder.folder("images-\(number)")
        var files: [LocalFile] = []
        for index in 1...Self.imagesPerTask {
            let image = SampleImage(number: number * 100 + index)
            let name = "images-\(number)/IMG_\(number)\(index < 10 ? "00" : "0")\(index).JPG"
            files.append(try LocalFile(try folder.write(image.bytes, as: name)))
        }
        let fields = InitFields(name: "Demo \(number)", options: try SubmitCommand.options(["dsm=true"]))
        let submission = Submission(gateway: gateway, files: files, fields: fields)
        Self.say(
            "Sending task \(number): \(files.count) generated images, \(ByteCount(submission.bytes)), from \(images)")
        let task = try await submission.send()
        Self.say("  it is \(task)")
        return task
    }

    private func collect(_ task: BackendTaskID, number: Int, from gateway: GatewayClient) async throws {
        let info = try await Follower(gateway: gateway, task: task).follow(title: "Task \(number)")
        guard info.status == .completed else {
            throw CommandError("task \(number) \(Follower.word(info.status))", advice: "Logs: \(folder.path)")
        }
        let results = folder.folder("results-\(number)")
        let download = Download(
            gateway: gateway, task: task, asset: "all.zip", target: "\(results)/all.zip", pool: program.pool)
        let size = try await download.run()
        let count = try await ResultCheck.files(
            in: folder.path, "results-\(number)/all.zip", pool: program.pool)
        Self.say(
            "Task \(number) completed; its all.zip, \(ByteCount(size)), holds \(count) files, every checksum right")
    }

    private func explain(_ task: BackendTaskID, number: Int, _ admin: AdminClient) async throws {
        guard let answer = try await admin.get(["api", "tasks", task.string]) else {
            throw CommandError("the admin listener does not know task \(task)")
        }
        Self.say("\nWhere task \(number) went, and why (scaleodm tasks show \(task)):")
        Self.say(TasksShowCommand.text(answer).split(separator: "\n").map { "  \($0)" }.joined(separator: "\n"))
    }

    static func say(_ text: String) { Terminal.out("\(text)\n") }

    /// How to go on with a gateway of one's own.
    static let nextSteps = """

        Point WebODM at a gateway of your own:
          1. list your nodes in an inventory (config/minimal.yaml) and run: scaleodm serve -c FILE
          2. in WebODM open Processing Nodes and choose Add New
          3. hostname: the gateway's host   port: 31100
          4. token: one of the inventory's, or nothing where it lists none
          5. save: WebODM now sees one large node, and every task is placed on the best of yours
        """
}
