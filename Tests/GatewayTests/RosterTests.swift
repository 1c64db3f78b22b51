import Backends
import Configuration
import HTTPTypes
import Model
import Observability
import Reactor
import Record
import Synchronization
import TestSupport
import Testing

@testable import Gateway

/// A roster over a record of its own, on a clock that the test turns.
struct RosterWorld: Sendable {
    let record: RoutingRecord
    let clock: ManualClock
    let loop: EventLoop
    let roster: Roster
    var fleet: Fleet { roster.fleet }
    var store: TaskStore { record.tasks }
    var now: Timestamp { clock.timestamp }

    static func with(
        _ scratch: ScratchDatabase = .sqlite, _ body: @escaping @Sendable (RosterWorld) async throws -> Void
    ) async throws {
        try await LoopRunner.onLoop { loop in
            try await scratch.withDatabase { database in
                let record = try await RoutingRecord(opening: database, random: SystemRandomBits())
                try await body(RosterWorld(record, ManualClock(), loop))
            }
        }
    }

    private init(_ record: RoutingRecord, _ clock: ManualClock, _ loop: EventLoop, isAlone: Bool = true) {
        self.record = record
        self.clock = clock
        self.loop = loop
        roster = Self.roster(record, clock, loop, isAlone)
    }

    private static func roster(
        _ record: RoutingRecord, _ clock: ManualClock, _ loop: EventLoop, _ isAlone: Bool
    ) -> Roster {
        Roster(
            fleet: Fleet([], offlineAfter: 3), memory: record.backends, isAlone: isAlone, clock: clock, logger: .silent,
            loop: loop,
            make: { definition in
                FleetMember(
                    .init(
                        name: definition.name, kind: definition.kind, tier: definition.tier, weight: definition.weight,
                        labels: definition.labels, onVanished: .rerun, url: definition.place),
                    backend: ScriptedBackend(definition.name.string, clock: clock))
            })
    }

    /// The same record after a restart, or seen by another gateway.
    func restarted(isAlone: Bool = true) -> RosterWorld { RosterWorld(record, clock, loop, isAlone: isAlone) }

    func definition(_ name: String, _ more: String = "") throws -> BackendDefinition {
        try InventoryLoader(environment: { $0 == "TOKEN" ? "hidden" : nil })
            .loadBackend(text: "{name: \(name), url: \"http://\(name).example.org:3000\"\(more)}", path: "test")
    }

    /// A task that a backend has accepted.
    @discardableResult
    func placed(_ task: String, on backend: String) async throws -> AttemptKey {
        let id = try #require(TaskID(task))
        _ = try await store.create(NewTask(id: id, name: task, dateCreated: now), at: now)
        let file = InputFile(name: "1.jpg", size: 10, digest: "d", storageKey: "\(task)/1")
        _ = try await store.addFile(file, to: id, for: .everything, at: now)
        _ = try await store.commit(id, for: .everything, at: now)
        let begun = try await store.begin(id, on: BackendName(recorded: backend), reason: "free", at: now) { _ in
            BackendTaskID(task)
        }
        guard case .begun(let attempt) = begun else { throw NotReached() }
        _ = try await store.markSending(attempt.key, at: now)
        _ = try await store.markCommitting(attempt.key, at: now)
        _ = try await store.markAccepted(attempt.key, at: now)
        return attempt.key
    }

    /// Everything of a task is gone, from the record and from its backend.
    func remove(_ key: AttemptKey) async throws {
        _ = try await store.finish(key, .init(code: .completed), at: now)
        _ = try await store.requestRemove(key.task, for: .everything, at: now)
        _ = try await store.delete(key.task, at: now)
        for member in fleet.members {
            for job in try await record.cleanups.due(on: member.name, at: now) { try await record.cleanups.done(job) }
        }
    }

    func seats() -> [String] { fleet.members.map { "\($0.name) \($0.source.rawValue)" } }
    func kept(_ name: String) async throws -> RememberedBackend? {
        try await record.backends.all().first { $0.name.string == name }
    }
}

@Suite("Backends that come and go", .timeLimit(.minutes(3)))
struct RosterTests {
    @Test(
        "one that left the file serves what it has after a restart, until that is gone", arguments: ScratchDatabase.all)
    func leaves(scratch: ScratchDatabase) async throws {
        try await RosterWorld.with(scratch) { world in
            let (a, b) = (try world.definition("a"), try world.definition("b"))
            try await world.roster.list([a, b])
            let key = try await world.placed("t", on: "b")
            let next = world.restarted()
            let change = try await next.roster.list([a])
            #expect(next.seats() == ["a file", "b retired"])
            #expect(change.added.map(\.string) == ["a"] && change.retired.isEmpty)
            let member = try #require(next.fleet.member(b.name))
            #expect(member.switches.isRetired && !member.isUsable(offlineAfter: 3))
            #expect(member.definition.url == b.place)
            #expect(try await world.kept("b")?.switches.isRetired == true)

            // What was downloaded may be downloaded again.
            _ = try await world.store.finish(key, .init(code: .completed), at: world.now)
            world.clock.advance(by: .seconds(60))
            await next.roster.tend()
            #expect(next.seats() == ["a file", "b retired"])

            try await next.remove(key)
            await next.roster.tend()
            #expect(next.seats() == ["a file"])
            #expect(try await world.kept("b") == nil)
        }
    }

    @Test("one that left with nothing is gone at once; listed again it is as it was", arguments: ScratchDatabase.all)
    func leavesEmpty(scratch: ScratchDatabase) async throws {
        try await RosterWorld.with(scratch) { world in
            let (a, b) = (try world.definition("a"), try world.definition("b"))
            try await world.roster.list([a, b])
            let key = try await world.placed("t", on: "b")
            let next = world.restarted()
            try await next.roster.list([b])
            #expect(next.seats() == ["b file"])
            try await next.roster.list([])
            #expect(next.seats() == ["b retired"])
            try await next.roster.list([a, b])
            #expect(next.seats() == ["a file", "b file"])
            #expect(next.fleet.member(b.name)?.switches.isRetired == false)
            #expect(try await world.kept("b")?.switches.isRetired == false)
            try await next.remove(key)
            try await next.roster.list([a])
            // A placement may be under way, so it goes a little later.
            #expect(next.seats() == ["a file", "b retired"])
            next.clock.advance(by: .seconds(6))
            await next.roster.tend()
            #expect(next.seats() == ["a file"])
        }
    }

    @Test("a name can't move to another place while tasks run there", arguments: ScratchDatabase.all)
    func moves(scratch: ScratchDatabase) async throws {
        try await RosterWorld.with(scratch) { world in
            let a = try world.definition("a")
            var moved = a
            moved.url = HTTPURL("http://elsewhere.example.org:3000")
            try await world.roster.list([a])
            let key = try await world.placed("t", on: "a")
            for roster in [world.roster, world.restarted().roster] {
                let error = await #expect(throws: StartError.self) { try await roster.list([moved]) }
                let text = error?.description ?? ""
                #expect(text.contains("a has 1 unfinished task at http://a.example.org:3000"), "\(text)")
                #expect(text.contains("http://elsewhere.example.org:3000"))
            }
            #expect(world.fleet.member(a.name)?.definition.url == a.place)
            // Also from the place that it left the file with.
            let next = world.restarted()
            try await next.roster.list([])
            await #expect(throws: StartError.self) { try await next.roster.list([moved]) }
            _ = try await world.store.finish(key, .init(code: .completed), at: world.now)
            try await next.roster.list([moved])
            #expect(next.fleet.member(a.name)?.definition.url == moved.place)
        }
    }

    @Test("references are kept as they are; a secret in the file itself only while the backend has something of ours")
    func secrets() async throws {
        try await RosterWorld.with { world in
            let named = try world.definition("named", ", token: \"${TOKEN}\"")
            let literal = try world.definition("literal", ", token: abracadabra")
            try await world.roster.list([named, literal])
            #expect(try #require(try await world.kept("named")?.definition).contains("token: \"${TOKEN}\""))
            let masked = try #require(try await world.kept("literal")?.definition)
            #expect(masked.contains("***") && !masked.contains("abracadabra"))

            try await world.roster.willPlace(on: literal.name)
            await world.roster.tend()
            #expect(try #require(try await world.kept("literal")?.definition).contains("abracadabra"))
            let key = try await world.placed("t", on: "literal")
            world.clock.advance(by: .seconds(120))
            await world.roster.tend()
            #expect(try #require(try await world.kept("literal")?.definition).contains("abracadabra"))
            let next = world.restarted()
            try await next.roster.list([])
            #expect(next.seats() == ["literal retired"])
            try await next.roster.list([named, literal])
            try await next.remove(key)
            await next.roster.tend()
            #expect(try #require(try await world.kept("literal")?.definition).contains("***"))
        }
    }

    @Test("a changed tier is taken over in place; a changed token makes a new connection with the same knowledge")
    func changes() async throws {
        try await RosterWorld.with { world in
            let a = try world.definition("a")
            try await world.roster.list([a])
            world.fleet.change(a.name) {
                $0.failuresInARow = 2
                $0.loadReadAt = world.clock.monotonic()
                $0.switches.isLocked = true
            }
            let before = try #require(world.fleet.member(a.name))
            var tier = a
            tier.tier = 3
            #expect(try await world.roster.list([tier]).changed == [a.name])
            let after = try #require(world.fleet.member(a.name))
            #expect(after.definition.tier == 3 && after.failuresInARow == 2)
            #expect(after.incarnation == before.incarnation)
            var token = tier
            token.token = Secret("new")
            try await world.roster.list([token])
            let fresh = try #require(world.fleet.member(a.name))
            #expect(fresh.incarnation != before.incarnation && fresh.loadReadAt == before.loadReadAt)
            #expect(try await world.roster.list([token]) == RosterChange())
        }
    }

    @Test("switches hold over a restart, and what another gateway does is followed", arguments: ScratchDatabase.all)
    func follows(scratch: ScratchDatabase) async throws {
        try await RosterWorld.with(scratch) { world in
            let a = try world.definition("a")
            let other = world.restarted()
            try await world.roster.list([a])
            try await other.roster.list([a])
            let running = Task(executorPreference: world.loop) { try await other.roster.run() }
            try await world.roster.setSwitches(of: a.name, locked: true)
            #expect(world.fleet.member(a.name)?.switches.isLocked == true)
            try await world.roster.setSwitches(of: a.name, draining: true)
            _ = try await world.roster.add("{name: c, url: \"http://c.example.org:3000\"}")
            for _ in 0..<30_000 where other.seats() != ["a file", "c added"] {
                other.clock.advance(by: .milliseconds(100))
                try await Task.sleep(for: .milliseconds(2))
            }
            #expect(other.seats() == ["a file", "c added"])
            #expect(other.fleet.member(a.name)?.switches == .init(isLocked: true, isDraining: true))
            running.cancel()
            try? await running.value
            let next = world.restarted()
            try await next.roster.list([a])
            #expect(next.seats() == ["a file", "c added"])
            #expect(next.fleet.member(a.name)?.switches == .init(isLocked: true, isDraining: true))
        }
    }

    @Test("gateways whose files differ don't write over each other without end", arguments: ScratchDatabase.all)
    func differingFiles(scratch: ScratchDatabase) async throws {
        try await RosterWorld.with(scratch) { world in
            let (a, b) = (try world.definition("a"), try world.definition("b", ", token: abracadabra"))
            var other = a
            other.tier = 4
            let second = world.restarted(isAlone: false)
            let writes = WakeCount()
            let counting = Task(executorPreference: world.loop) { [memory = world.record.backends] in
                for await _ in memory.changes() { writes.add() }
            }
            let running = [world, second].map { each in
                Task(executorPreference: world.loop) { try await each.roster.run() }
            }
            try await world.roster.list([a, b])
            try await world.placed("t", on: "b")
            try await second.roster.list([other])
            var seen = -1
            // What is to be written is written in a few rounds; a quarrel goes on for hundreds.
            var rounds = 0
            while seen != writes.count {
                (seen, rounds) = (writes.count, rounds + 1)
                for _ in 0..<20 {
                    for each in [world, second] { each.clock.advance(by: .seconds(1)) }
                    try await Task.sleep(for: .milliseconds(5))
                }
            }
            #expect(rounds < 20)
            #expect(world.seats() == ["a file", "b file"])
            #expect(second.seats() == ["a file", "b retired"])
            #expect(world.fleet.member(a.name)?.definition.tier == 0)
            #expect(second.fleet.member(a.name)?.definition.tier == 4)
            for task in running {
                task.cancel()
                try? await task.value
            }
            counting.cancel()
        }
    }

    @Test("one that was added is removed once it has nothing; the file's own goes before it")
    func added() async throws {
        try await RosterWorld.with { world in
            let c = try world.definition("c")
            try await world.roster.list([])
            _ = try await world.roster.add("{name: c, url: \"http://c.example.org:3000\", token: hidden}")
            #expect(try #require(try await world.kept("c")?.definition).contains("hidden"))
            await #expect(throws: AdminError.self) {
                _ = try await world.roster.add("{name: c, url: \"http://d.example.org:3000\"}")
            }
            let key = try await world.placed("t", on: "c")
            try await world.roster.remove(c.name, givesUp: false)
            #expect(world.seats() == ["c retired"])
            await #expect(throws: AdminError.self) { try await world.roster.remove(c.name, givesUp: true) }
            _ = try await world.store.finish(key, .init(code: .completed), at: world.now)
            await #expect(throws: AdminError.self) { try await world.roster.remove(c.name, givesUp: false) }
            try await world.roster.remove(c.name, givesUp: true)
            #expect(try await world.kept("c") == nil && world.seats().isEmpty)

            _ = try await world.roster.add("{name: c, url: \"http://c.example.org:3000\"}")
            try await world.roster.list([c])
            #expect(world.seats() == ["c file"])
            #expect(try await world.kept("c")?.isAdded == false)
            await #expect(throws: AdminError.self) { try await world.roster.remove(c.name, givesUp: false) }
        }
    }

    @Test("one that is added can't be made to get the gateway's own secrets")
    func foreignSecrets() async throws {
        try await RosterWorld.with { world in
            for secret in ["token: \"${PATH}\"", "token_file: /etc/hostname"] {
                let error = await #expect(throws: AdminError.self) {
                    _ = try await world.roster.add("{name: c, url: \"http://c.example.org:3000\", \(secret)}")
                }
                #expect(error?.status == .badRequest)
            }
            #expect(world.seats().isEmpty)
        }
    }

    @Test("a record of another place that holds tasks and no definition keeps nobody from starting")
    func lost() async throws {
        try await RosterWorld.with { world in
            try await world.placed("t", on: "ghost")
            try await world.roster.list([try world.definition("a")])
            #expect(world.seats() == ["a file"])
        }
    }
}

@Suite("A fleet whose members change", .timeLimit(.minutes(2)))
struct FleetTests {
    private static func member(_ name: String, _ incarnation: Int = 1) -> FleetMember {
        var member = FleetMember(
            .init(
                name: BackendName(recorded: name), kind: .nodeodm, tier: 0, weight: 1, labels: [:], onVanished: .rerun,
                url: ""), backend: ScriptedBackend(name, clock: ManualClock()))
        member.incarnation = incarnation
        return member
    }

    /// What was begun and ended, in their order.
    private final class Log: Sendable {
        private let lines = Mutex<[String]>([])
        func note(_ line: String) { lines.withLock { $0.append(line) } }
        var sorted: [String] { lines.withLock { $0.sorted() } }
    }

    @Test("something is begun for each that comes, and ended for each that goes or is replaced")
    func follows() async throws {
        try await LoopRunner.onLoop { loop in
            let fleet = Fleet([Self.member("a"), Self.member("b")], offlineAfter: 3)
            let log = Log()
            let following = Task(executorPreference: loop) {
                try await fleet.forEach { member in
                    log.note("+\(member.name)\(member.incarnation)")
                    defer { log.note("-\(member.name)\(member.incarnation)") }
                    let (stream, _) = AsyncStream.makeStream(of: Void.self)
                    for await _ in stream {}
                    try Task.checkCancellation()
                }
            }
            func becomes(_ expected: [String]) async throws {
                for _ in 0..<30_000 where log.sorted != expected { try await Task.sleep(for: .milliseconds(2)) }
                #expect(log.sorted == expected)
            }
            try await becomes(["+a1", "+b1"])
            fleet.assemble([Self.member("a"), Self.member("c")])
            try await becomes(["+a1", "+b1", "+c1", "-b1"])
            fleet.assemble([Self.member("a", 2), Self.member("c")])
            try await becomes(["+a1", "+a2", "+b1", "+c1", "-a1", "-b1"])
            #expect(fleet.backend(BackendName(recorded: "b")) == nil)
            following.cancel()
            await #expect(throws: CancellationError.self) { try await following.value }
            try await becomes(["+a1", "+a2", "+b1", "+c1", "-a1", "-a2", "-b1", "-c1"])
        }
    }

    @Test("who stays keeps what is known of it now, and nothing is told where nothing changed")
    func stays() {
        let fleet = Fleet([Self.member("a")], offlineAfter: 3)
        let copy = Self.member("a")
        fleet.change(copy.name) { $0.acceptedSinceRead = 7 }
        let version = fleet.version
        fleet.assemble([copy])
        #expect(fleet.member(copy.name)?.acceptedSinceRead == 7 && fleet.version == version)
        fleet.assemble([copy, Self.member("b")])
        #expect(fleet.version > version)
    }
}
