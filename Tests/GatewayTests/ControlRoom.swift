import Backends
import Configuration
import HTTPClient
import Model
import NodeODM
import Observability
import Reactor
import Record
import SQL
import Scheduling
import Storage
import TestSupport
import Testing

@testable import Gateway

/// The control plane over scripted nodes, on a clock that the test turns and a record of its own.
struct ControlRoom: Sendable {
    /// What runs beside the dispatcher.
    struct Staff: OptionSet {
        let rawValue: Int
        static let monitor = Staff(rawValue: 1)
        static let cleaner = Staff(rawValue: 2)
        static let mirror = Staff(rawValue: 4)
    }

    /// How the gateway is configured.
    struct Settings {
        var prefetch = 0
        var attempts = 5
        var deadAfter: Duration? = .seconds(600)
        var owners: [String: OwnerPolicy] = [:]
        /// Whether it has a bucket, `s3://data/scaleodm/`.
        var hasBucket = false
        var collectsOrphans = false
    }

    let record: RoutingRecord
    let database: WatchedDatabase
    let clock: ManualClock
    let parts: DispatchParts
    let dispatcher: Dispatcher
    let nodes: [ScriptedBackend]
    var store: TaskStore { parts.store }
    var fleet: Fleet { parts.fleet }

    /// Runs a test in a room with these nodes, all read and online.
    static func with(
        _ staff: Staff = [], on scratch: ScratchDatabase = .sqlite, _ settings: Settings = Settings(),
        nodes make: @escaping @Sendable (ManualClock) -> [ScriptedBackend],
        _ body: @escaping @Sendable (ControlRoom) async throws -> Void
    ) async throws {
        let settings = settings
        try await LoopRunner.onLoop { loop in
            try await scratch.withDatabase { database in
                let clock = ManualClock()
                let watched = WatchedDatabase(database)
                let record = try await RoutingRecord(opening: watched, random: SystemRandomBits())
                let room = try await ControlRoom(record, watched, clock, make(clock), settings, loop)
                try await room.run(staff, body)
            }
        }
    }

    init(
        _ record: RoutingRecord, _ database: WatchedDatabase, _ clock: ManualClock, _ nodes: [ScriptedBackend],
        _ settings: Settings, _ loop: EventLoop, duties: Duties = .alone, fences: Fences? = nil
    ) async throws {
        self.database = database
        var members: [FleetMember] = []
        for node in nodes {
            var definition = FleetMember.Definition(
                name: node.name, kind: node.kind, tier: 0, weight: 1, labels: [:], onVanished: .rerun,
                deadAfter: settings.deadAfter, url: "http://\(node.name).example.org")
            definition.collectsOrphans = settings.collectsOrphans
            var member = FleetMember(definition, backend: node)
            if !node.now.isFrozen, !node.now.isSilent {
                member.load = try await node.load()
                member.loadReadAt = clock.monotonic()
                member.catalog = .engine360
            }
            members.append(member)
        }
        let fleet = Fleet(members, offlineAfter: 3)
        let mirror = StatusMirror()
        let lookup = TaskLookup(mirror: mirror, store: record.tasks, fleet: fleet, clock: clock)
        var parts = DispatchParts(
            store: record.tasks, mirror: mirror, lookup: lookup, fleet: fleet, durable: Durable(clock: clock),
            clock: clock, random: SystemRandomBits(), logger: .silent, placement: WakeUp(), cleaning: WakeUp(),
            webhookWake: WakeUp(), attemptLimit: settings.attempts, impossibleAfter: .seconds(3600), webhooks: .init())
        parts.owners = OwnerPolicies(settings.owners)
        (parts.duties, parts.fences) = (duties, fences)
        if settings.hasBucket {
            var inventory = Inventory()
            var s3 = S3Settings()
            s3.bucket = "data"
            inventory.storage.s3 = s3
            parts.buckets = try ClientBuckets(inventory, client: CurlClient(loop: loop), clock: clock)
        }
        self.record = record
        self.clock = clock
        self.nodes = nodes
        self.parts = parts
        dispatcher = Dispatcher(parts, prefetch: settings.prefetch, spillAfter: .seconds(30), loop: loop)
    }

    private func run(_ staff: Staff, _ body: (ControlRoom) async throws -> Void) async throws {
        var services: [any Service] = [dispatcher]
        if staff.contains(.monitor) {
            services.append(
                Monitor(
                    fleet: fleet, memory: record.backends, placement: parts.placement, clock: clock,
                    refresh: .seconds(5), logger: .silent))
        }
        if staff.contains(.cleaner) {
            services.append(Cleaner(parts: parts, cleanups: record.cleanups, storage: NoStorage()))
        }
        if staff.contains(.mirror) {
            services.append(
                MirrorRefresher(parts: parts, policy: ReadingPolicy(refresh: .seconds(1)), loop: dispatcher.loop))
        }
        let running = services
        try await withThrowingDiscardingTaskGroup { group in
            for service in running {
                group.addTask {
                    do { try await service.run() } catch is CancellationError {}
                }
            }
            defer {
                for node in nodes { node.thaw() }
                group.cancelAll()
            }
            try await body(self)
        }
    }

    // MARK: Short ways

    /// A committed task with so many images; `at once` it waits for its backend.
    @discardableResult
    func commit(
        _ name: String, owner: String? = nil, images: Int = 1, options: String = "[]", files: [String]? = nil
    ) async throws -> TaskID {
        let id = try #require(TaskID(name))
        _ = try await store.create(
            NewTask(id: id, owner: owner, name: name, options: options, dateCreated: now), at: now)
        for (number, name) in (files ?? (0..<images).map { "\($0).jpg" }).enumerated() {
            let file = InputFile(name: name, size: 10, digest: "d\(number)", storageKey: "\(id.key)/\(number)")
            _ = try await store.addFile(file, to: id, for: .everything, at: now)
        }
        _ = try await store.commit(id, for: .everything, at: now)
        await parts.refresh(id)
        parts.placement.wake()
        return id
    }

    /// A task that a node has accepted, and the node.
    @discardableResult
    func placed(_ name: String) async throws -> (id: TaskID, node: ScriptedBackend) {
        let id = try await commit(name)
        try await until("\(name) is placed") { try await read(id).state == .placed }
        let backend = try #require(try await read(id).attempt?.backend)
        return (id, try #require(nodes.first { $0.name == backend }))
    }

    /// A task that has ended well where it was placed.
    func completed(_ name: String) async throws -> (id: TaskID, node: ScriptedBackend) {
        let (id, node) = try await placed(name)
        let attempt = try #require(try await read(id).attempt)
        node.set { $0.tasks[attempt.backendTask.string]?.code = .completed }
        _ = try await store.finish(attempt.key, .init(code: .completed), at: now)
        fleet.change(node.name) { $0.endedSinceRead += 1 }
        await parts.refresh(id)
        return (id, node)
    }

    func read(_ id: TaskID) async throws -> TaskRecord { try #require(try await store.record(of: id)) }
    func attempts(_ id: TaskID) async throws -> [AttemptRecord] { try await store.attempts(of: id) }
    func events(_ id: TaskID) async throws -> [EventKind] { try await record.events.events(of: id).map(\.kind) }
    func name(_ id: TaskID) async throws -> String { try #require(try await read(id).attempt).backendTask.string }
    var now: Timestamp { clock.timestamp }

    /// What several tasks' attempts and nodes come to isn't one event, so it is looked at again and again; bounded. The clock is
    /// turned by `step` after each look.
    func until(
        _ what: Comment, stepping step: Duration = .zero, _ isReached: () async throws -> Bool,
        at location: SourceLocation = #_sourceLocation
    ) async throws {
        for _ in 0..<30_000 {
            if try await isReached() { return }
            if step > .zero { clock.advance(by: step) }
            try await Task.sleep(for: .milliseconds(2))
        }
        Issue.record(what, sourceLocation: location)
        throw NotReached()
    }

    /// Lets time pass and everybody act on it.
    func pass(_ duration: Duration) async throws {
        for _ in 0..<20 {
            clock.advance(by: duration / 20)
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

/// The end of a test that waited in vain.
struct NotReached: Error {}

/// Storage that holds nothing and forgets everything.
struct NoStorage: ObjectStore {
    func prepare() async throws(StorageError) {}
    func identity() async throws(StorageError) -> String? { nil }
    func establishIdentity(_ id: String) async throws(StorageError) -> String { id }
    func removeUnfinished(untouchedSince moment: Timestamp) async throws(StorageError) -> Int { 0 }
    func write(key: String) async throws(StorageError) -> any ObjectWriter { throw nothing }
    func read(key: String, from offset: Int64) async throws(StorageError) -> any ObjectReader { throw nothing }
    func size(key: String) async throws(StorageError) -> Int64 { throw nothing }
    func remove(key: String) async throws(StorageError) {}
    func remove(prefix: String) async throws(StorageError) {}
    func list(prefix: String, after: String?, limit: Int) async throws(StorageError) -> [ListedObject] { [] }
    func freeBytes() async -> ByteCount? { nil }
    private var nothing: StorageError { StorageError(.notFound, "nothing is stored here") }
}
