import Model
import NodeODM
import Reactor

/// The node: its tasks, its folder, its journal, its knobs. Every transition happens here, each in one turn.
actor SimulatedNode {
    let configuration: SimulatorConfiguration
    let folder: NodeFolder
    let loop: EventLoop
    let clock: any WorldClock
    let pool: BlockingPool
    var knobs: Knobs
    var table = TaskTable()
    var journal: Journal
    /// What initialises or processes a task; a new run waits for the one before it.
    var work: [String: Task<Void, Never>] = [:]
    /// Tasks whose run is to end at once.
    var hurried: Set<String> = []
    private var partCount = 0

    /// Opens the folder and takes up the saved tasks; ``start()`` sets them going.
    init(
        _ configuration: SimulatorConfiguration, on loop: EventLoop, clock: any WorldClock = SystemClock(),
        pool: BlockingPool
    ) throws(SimulatorError) {
        self.configuration = configuration
        self.loop = loop
        self.clock = clock
        self.pool = pool
        knobs = configuration.knobs
        folder = try NodeFolder(root: configuration.data)
        journal = try Journal(path: folder.journal)
        for task in TaskDump.tasks(from: Disk.read(folder.taskList) ?? []) { table.add(task) }
    }

    /// Deletes what the task list doesn't name, and gives free slots to queued tasks.
    func start() {
        let lost = folder.removeProjects(except: Set(table.order))
        if !lost.isEmpty { Console.log("\(configuration.name): deleted \(lost.count) project(s) that no task owns") }
        for task in table.all where Disk.isFolder(folder.project(task.uuid) + "/upload") {
            _ = try? folder.sortUploads(of: task.uuid)
        }
        fillSlots()
    }

    var now: Int64 { clock.wallMilliseconds() }

    /// Saves the task list.
    func dump() {
        do {
            try Disk.write(TaskDump.text(of: table.all), to: folder.taskList)
        } catch {
            Console.log("\(configuration.name): \(error.message)")
        }
    }

    /// To be called after each change of the task list.
    func changed() {
        if configuration.dump == .always { dump() }
    }

    /// A path for a file that is about to arrive.
    func newPart() -> String {
        partCount += 1
        return folder.part(partCount)
    }
}

// MARK: Answers

extension SimulatedNode {
    /// `/info`; not by ``NodeInfo``, which keeps values within bounds that a real node doesn't know.
    func info() -> [UInt8] {
        JSONWriter.text { json in
            json.beginObject()
            json.pair("version") { $0.string(knobs.version) }
            json.pair("taskQueueCount") { $0.integer(table.queueCount) }
            json.pair("maxImages") { json in
                if let maxImages = knobs.maxImages { json.integer(maxImages) } else { json.null() }
            }
            json.pair("maxParallelTasks") { $0.integer(knobs.maxParallel) }
            json.pair("totalMemory") { $0.integer(17_179_869_184) }
            json.pair("availableMemory") { $0.integer(8_589_934_592) }
            json.pair("cpuCores") { $0.integer(4) }
            json.pair("engine") { $0.string("odm") }
            json.pair("engineVersion") { $0.string(knobs.engineVersion) }
            json.endObject()
        }
    }

    /// `/task/list`.
    func list() -> [UInt8] {
        JSONWriter.text { json in
            json.beginArray()
            for uuid in table.order {
                json.beginObject()
                json.pair("uuid") { $0.string(uuid) }
                json.endObject()
            }
            json.endArray()
        }
    }

    /// `/task/{uuid}/info`.
    func taskInfo(_ uuid: String, _ window: OutputWindow) throws(Refusal) -> [UInt8] {
        let task = try known(uuid)
        let output = window == .nothing ? nil : task.output[window.range(of: task.output.count)]
        let text = JSONWriter.text { task.info(at: now).encode(into: &$0, output: output) }
        guard task.name == nil, let members = (try? JSONValue(parsing: text))?.members else { return text }
        return JSONWriter.text { $0.value(.object(members.filter { $0.name != "name" })) }
    }

    /// `/task/{uuid}/output`.
    func output(_ uuid: String, _ window: OutputWindow) throws(Refusal) -> [UInt8] {
        let task = try known(uuid)
        return JSONWriter.text { json in
            json.beginArray()
            for line in task.output[window.range(of: task.output.count)] { json.string(line) }
            json.endArray()
        }
    }

    /// The file behind `/task/{uuid}/download/{asset}`; no check of the state: an archive of an earlier run is served.
    func archive(_ uuid: String, _ asset: String) throws(Refusal) -> String {
        _ = try known(uuid)
        guard asset == "all.zip" else { throw Refusal("Invalid asset") }
        let path = folder.project(uuid) + "/all.zip"
        guard Disk.size(of: path) != nil else { throw Refusal("Asset not ready") }
        return path
    }

    func known(_ uuid: String) throws(Refusal) -> SimulatedTask {
        guard let task = table[uuid] else { throw Refusal("\(uuid) not found") }
        return task
    }
}
