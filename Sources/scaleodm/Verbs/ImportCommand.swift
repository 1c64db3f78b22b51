internal import Configuration
internal import Gateway
internal import Model
internal import NodeODM
internal import Reactor
internal import Record

/// `scaleodm import`: takes over ClusterODM's nodes and tasks.
enum ImportCommand {
    private static let nodes = Flag(
        name: "nodes", value: "FILE", isRequired: true, help: "ClusterODM's data/nodes.json")
    private static let routes = Flag(
        name: "routes", value: "FILE", help: "ClusterODM's data/routes.json: its tasks go on to answer")
    private static let data = Flag(
        name: "data", value: "DIR", fallback: ".", help: "where the inventory, the tokens and the record go")
    private static let listen = Flag(
        name: "listen", value: "HOST:PORT", fallback: "0.0.0.0:3000",
        help: "the gateway's address; ClusterODM's own, so that clients needn't change")
    private static let database = Flag(
        name: "database", value: "URL", environment: "SCALEODM_DATABASE_URL",
        help: "the record in PostgreSQL; without it, it is a file in DIR")

    static let verb = Verb(
        name: "import", summary: "take over ClusterODM's nodes and tasks",
        flags: [
            nodes, routes, data, listen, database,
            Flag(name: "offline", help: "don't ask the nodes what they know of the tasks"),
        ],
        details: """
            Writes DIR/gateway.yaml with a backend for each node, each node's token as a file in DIR/tokens, and the tasks \
            into the record: what was sent to ClusterODM goes on to answer here, to the token that sent it. Locked nodes \
            stay locked. Stop ClusterODM first, or its newest tasks are missing.
            """,
        examples: [
            "scaleodm import --nodes data/nodes.json --routes data/routes.json --data /var/lib/scaleodm",
            "scaleodm serve -c /var/lib/scaleodm/gateway.yaml",
        ],
        failure: "a file can't be read, or the record can't be written",
        run: { invocation in
            ClientProgram.run("import") { program in try await run(invocation, program) }
        })

    private static func run(_ invocation: Invocation, _ program: ClientProgram) async throws {
        let nodesFile = invocation.value(nodes) ?? ""
        let nodes = try ClusterNode.list(try ImportFolder.read(nodesFile), file: nodesFile)
        var routed: [ClusterRoute] = []
        if let file = invocation.value(routes) {
            routed = try ClusterRoute.list(try ImportFolder.read(file), file: file)
        }
        let plan = ImportPlan(nodes: nodes, routes: routed)
        for warning in plan.warnings { Terminal.err("warning: \(warning)\n") }
        let folder = try ImportFolder(invocation.value(data) ?? ".")
        let (text, inventory) = try prepare(plan, folder, invocation)
        let tasks = try await tasks(of: plan, isOffline: invocation.has("offline"), program)
        let outcome = try await program.interrupts.shielding {
            let importer = TaskImporter(inventory, loop: program.loop, pool: program.pool)
            return try await importer.run(tasks, locked: plan.locked, reason: "taken over from ClusterODM")
        }
        try folder.write(inventory: text)
        tell(plan, outcome, folder)
    }

    /// Writes the tokens, and lets the loader judge what the inventory will be.
    private static func prepare(
        _ plan: ImportPlan, _ folder: ImportFolder, _ invocation: Invocation
    ) throws -> (String, Inventory) {
        for backend in plan.backends {
            if let token = backend.node.token { try folder.write(token: token, of: backend.name) }
        }
        let url = invocation.value(database)
        let text = ImportedInventory(
            plan: plan, listen: invocation.value(listen) ?? "", isDatabaseElsewhere: url != nil
        ).text
        let environment = invocation.environment
        let loader = InventoryLoader(environment: { name in
            name == "SCALEODM_DATABASE_URL" ? url : environment(name)
        })
        return (text, try loader.load(text: text, path: folder.inventory).inventory)
    }

    /// The tasks with what their nodes say of them; those that their nodes don't know are left out.
    private static func tasks(
        of plan: ImportPlan, isOffline: Bool, _ program: ClientProgram
    ) async throws -> [ForeignTask] {
        var answers: [TaskID: NodeInquiry.Answer] = [:]
        if !isOffline, !plan.tasks.isEmpty {
            answers = try await program.interrupts.ending { await NodeInquiry(http: program.http).ask(plan) }
        }
        let now = Timestamp(milliseconds: SystemClock().wallMilliseconds())
        var silent: [String: String] = [:]
        var tasks: [ForeignTask] = []
        for task in plan.tasks {
            var foreign = ForeignTask(
                id: task.route.task, owner: task.owner, backend: BackendName(recorded: task.backend),
                name: "Task of \(task.backend)", dateCreated: task.route.accessed ?? now)
            switch answers[task.route.task] {
            case .info(let info): foreign.fill(info)
            case .unknown:
                Terminal.err("warning: \(task.backend) no longer has task \(task.route.task): left out\n")
                continue
            case .silent(let reason): silent[task.backend] = reason
            case nil: break
            }
            tasks.append(foreign)
        }
        for (backend, reason) in silent.sorted(by: { $0.key < $1.key }) {
            Terminal.err("warning: \(backend) does not answer (\(reason.printable)): its tasks are taken over unseen\n")
        }
        return tasks
    }

    private static func tell(_ plan: ImportPlan, _ outcome: TaskImporter.Outcome, _ folder: ImportFolder) {
        let tokens = plan.backends.count { $0.node.token != nil }
        Terminal.out("backends   \(plan.backends.count), of them \(plan.locked.count) locked\n")
        if tokens > 0 { Terminal.out("tokens     \(tokens), in \(folder.path)/tokens: for your eyes only\n") }
        if !plan.clients.isEmpty { Terminal.out("clients    \(plan.clients.count) tokens, by their digests\n") }
        Terminal.out("tasks      \(outcome.added) taken over, \(outcome.known) known before\n")
        Terminal.out("inventory  \(folder.inventory)\n")
        Terminal.err("Next: scaleodm check \(folder.inventory) --probe && scaleodm serve -c \(folder.inventory)\n")
    }
}

extension ForeignTask {
    /// Takes over what its node says; its state is read again and again once the gateway runs.
    fileprivate mutating func fill(_ info: TaskInfo) {
        if !info.name.isEmpty { name = info.name }
        options = TaskOption.text(of: info.options)
        if info.dateCreated.milliseconds > 0 { dateCreated = info.dateCreated }
        images = max(0, info.imagesCount)
    }
}
