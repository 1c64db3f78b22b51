import Backends
import HTTPClient
import Model
import Observability
import Reactor
import Record
import Storage
import TestSupport

@testable import Gateway

/// A fetcher with a record, a storage folder and a clock of its own, and a server that follows a script.
struct FetchWorld: Sendable {
    let loop: EventLoop
    let folder: String
    let clock: ManualClock
    let record: RoutingRecord
    let storage: DirectoryStore
    let parts: DispatchParts
    let client: CurlClient
    let server: ScriptedServer
    let wake = WakeUp()
    let health = StorageHealth()
    let rules: FetchRules

    var store: TaskStore { record.tasks }
    var url: String { "http://127.0.0.1:\(server.address.port)/images.zip" }

    /// Runs a test in a fresh world.
    static func run(
        rules change: @escaping @Sendable (inout FetchRules) -> Void = { _ in },
        script: @escaping ScriptedServer.Script,
        _ body: @escaping @Sendable (FetchWorld) async throws -> Void
    ) async throws {
        try await LoopRunner.onLoop { loop in
            try await ScratchFolder.run { folder in
                try await ScratchDatabase.sqlite.withDatabase { database in
                    let record = try await RoutingRecord(opening: database, random: SystemRandomBits())
                    let world = try FetchWorld(loop, folder.path, record, change, script)
                    try await world.storage.prepare()
                    try await body(world)
                    await world.client.close()
                    world.server.stop()
                }
            }
        }
    }

    private init(
        _ loop: EventLoop, _ folder: String, _ record: RoutingRecord, _ change: (inout FetchRules) -> Void,
        _ script: @escaping ScriptedServer.Script
    ) throws {
        let fleet = Fleet([], offlineAfter: 3)
        var rules = FetchRules(
            outboundGuard: nil, maxSize: .mebibytes(1), timeout: .seconds(60), fileLimit: .mebibytes(1),
            taskLimit: .mebibytes(1), images: ImageLimit(fleet: fleet, configured: nil))
        change(&rules)
        self.rules = rules
        self.loop = loop
        self.folder = folder
        self.record = record
        // Files in the folder bear the system's time.
        clock = ManualClock(wallMilliseconds: SystemClock().wallMilliseconds())
        server = try ScriptedServer(on: loop, script: script)
        client = CurlClient(loop: loop)
        storage = DirectoryStore(
            folder: folder + "/storage", pool: ScratchDatabase.pool, sync: false, minFree: 0)
        parts = DispatchParts.forTests(record, fleet, clock)
    }

    /// Runs a fetcher beside the body, and ends it in order. A second one needs something of its own that wakes it.
    func fetching(wokenBy other: WakeUp? = nil, _ body: () async throws -> Void) async throws {
        let fetcher = Fetcher(
            parts, client: client, spool: storage, storage: storage, health: health, rules: rules,
            wake: other ?? wake, loop: loop)
        let service = Task(executorPreference: loop) { try await fetcher.run() }
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
        service.cancel()
        try? await service.value
        try outcome.get()
    }

    /// A committed task whose inputs are to be fetched.
    @discardableResult
    func commit(_ name: String, zipURL: String? = nil) async throws -> TaskID {
        guard let id = TaskID(name) else { throw ScratchError(message: "'\(name)' is no identity") }
        var task = NewTask(id: id, owner: nil, name: name, dateCreated: now)
        task.zipURL = zipURL ?? url
        _ = try await store.create(task, at: now)
        _ = try await store.commit(id, for: .everything, fetching: true, at: now)
        wake.wake()
        return id
    }

    func read(_ id: TaskID) async throws -> TaskRecord {
        guard let found = try await store.record(of: id) else { throw ScratchError(message: "no task \(id)") }
        return found
    }

    /// The names and sizes of a task's recorded files.
    func files(of id: TaskID) async throws -> [String] {
        try await store.files(of: id).map { "\($0.name) \($0.size.bytes)" }
    }

    /// Keys of everything that is stored.
    func stored() async throws -> [String] {
        try await storage.list(prefix: "", after: nil, limit: 1000).map(\.key)
    }

    /// Suspends until a fetch has ended, well or not.
    func untilSettled() async {
        var ends = parts.placement.wakeUps().makeAsyncIterator()
        _ = await ends.next()
    }

    /// Lets the pause after a failure pass.
    func passPause(_ duration: Duration) async {
        await clock.untilSomebodySleeps()
        clock.advance(by: duration)
    }

    var now: Timestamp { clock.timestamp }
}

extension DispatchParts {
    /// What services of the control plane share, on a record and a clock of a test.
    static func forTests(_ record: RoutingRecord, _ fleet: Fleet, _ clock: any WorldClock) -> DispatchParts {
        let mirror = StatusMirror()
        return DispatchParts(
            store: record.tasks, mirror: mirror,
            lookup: TaskLookup(mirror: mirror, store: record.tasks, fleet: fleet, clock: clock), fleet: fleet,
            durable: Durable(clock: clock), clock: clock, random: SystemRandomBits(), logger: .silent,
            placement: WakeUp(), cleaning: WakeUp(), webhookWake: WakeUp(), attemptLimit: 5,
            impossibleAfter: .seconds(3600), webhooks: WebhookPolicy(nodeWideURL: nil))
    }
}

extension ScriptedConnection {
    /// Reads a request and answers it with bytes.
    func serve(_ bytes: [UInt8], status: String = "200 OK", fields: String = "") async throws {
        guard try await readHead() != nil else { return }
        try await send("HTTP/1.1 \(status)\r\n\(fields)Content-Length: \(bytes.count)\r\nConnection: close\r\n\r\n")
        if !bytes.isEmpty { try await send(bytes) }
    }
}

/// An archive of these files, each with so many bytes.
func archive(_ files: [(name: String, size: Int)]) -> [UInt8] {
    var zip = ZipMaker()
    for file in files { zip.add(file.name, [UInt8](repeating: UInt8(file.name.utf8.count & 0xFF), count: file.size)) }
    return zip.bytes
}

/// Lets nobody through until it is opened.
actor Gate {
    private var isOpen = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    func wait() async {
        if !isOpen { await withCheckedContinuation { waiters.append($0) } }
    }

    func open() {
        isOpen = true
        for waiter in waiters { waiter.resume() }
        waiters = []
    }
}
