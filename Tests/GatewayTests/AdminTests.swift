import Backends
import HTTPTypes
import Model
import NodeODM
import Reactor
import Record
import TestSupport
import Testing

@testable import Gateway

@Suite("Readiness")
struct ReadinessTests {
    private let now = MonotonicTime(nanoseconds: 1_000_000_000_000)

    private func earlier(_ age: Duration) -> MonotonicTime {
        MonotonicTime(nanoseconds: now.nanoseconds - age.inNanoseconds)
    }

    private func sight(
        databaseAge: Duration = .zero, databaseError: String? = nil, storageAge: Duration = .zero,
        free: ByteCount? = nil
    ) -> HealthWatch.Sight {
        .init(
            databaseAt: earlier(databaseAge), databaseError: databaseError, storageAt: earlier(storageAge),
            free: free)
    }

    @Test("a database that is away makes degraded, not unready: polls go on from memory")
    func database() {
        #expect(Readiness.database(sight(), now).result == .good)
        #expect(Readiness.database(sight(databaseError: "gone"), now).result == .degraded)
        #expect(Readiness.database(sight(databaseError: "gone"), now).detail.contains("gone"))
        #expect(Readiness.database(sight(databaseAge: .seconds(11)), now).result == .degraded)
    }

    @Test("a storage that can't be read makes unready, one that is short degraded, one of unknown space is good")
    func storage() {
        #expect(Readiness.storage(sight(storageAge: .seconds(11)), 10, now).result == .failed)
        #expect(Readiness.storage(sight(free: 9), 10, now).result == .degraded)
        #expect(Readiness.storage(sight(free: 10), 10, now).result == .good)
        #expect(Readiness.storage(sight(free: nil), 10, now).result == .good)
    }

    @Test("an object store that is away makes degraded: no other gateway could reach it either")
    func bucket() {
        var sight = sight(storageAge: .seconds(19))
        sight.isStorageShared = true
        #expect(Readiness.storage(sight, 10, now).result == .good)
        sight.storageError = "no answer"
        #expect(Readiness.storage(sight, 10, now).result == .degraded)
        #expect(Readiness.storage(sight, 10, now).detail.contains("no answer"))
        sight.storageError = nil
        sight.storageAt = earlier(.seconds(21))
        #expect(Readiness.storage(sight, 10, now).result == .degraded)
    }

    @Test("without an online backend nothing should come here")
    func backends() {
        #expect(Readiness.backends(Fleet([], offlineAfter: 3)).result == .failed)
    }

    @Test("one failure makes unready; only what isn't good is told without verbose")
    func whole() throws {
        let readiness = Readiness(checks: [
            .init(name: "a", result: .good, detail: "fine"), .init(name: "b", result: .degraded, detail: "so so"),
        ])
        #expect(readiness.isReady && readiness.isDegraded)
        let short = try JSONValue(parsing: readiness.json(isVerbose: false))
        #expect(short["checks"]?.array?.count == 1)
        #expect(short["ready"]?.bool == true && short["degraded"]?.bool == true)
        #expect(try JSONValue(parsing: readiness.json(isVerbose: true))["checks"]?.array?.count == 2)
        let failed = Readiness(checks: [.init(name: "a", result: .failed, detail: "")])
        #expect(!failed.isReady)
    }

    @Test("the stages: starting says what it waits for, draining goes elsewhere and stays so")
    func stages() {
        let status = GatewayStatus()
        status.wait(for: "the database has not answered")
        let starting = Readiness(status.stage, minFree: 0, now: now)
        #expect(starting.checks.map(\.detail) == ["the database has not answered"] && !starting.isReady)
        status.drain()
        status.wait(for: "anything")
        let draining = Readiness(status.stage, minFree: 0, now: now)
        #expect(draining.checks.map(\.name) == ["drain"] && !draining.isReady)
    }
}

@Suite("Pages of tasks")
struct TaskPageTests {
    @Test("a cursor survives the way to the client and back")
    func cursor() {
        let cursor = TaskCursor(createdAt: Timestamp(milliseconds: 1_764_000_000_123), key: "odm-pipeline-a.b_c")
        #expect(TasksResource.cursor(TasksResource.text(of: cursor)) == cursor)
    }

    @Test(
        "what is no cursor is refused", arguments: ["", "1", ".", "1.", ".x", "x.y", "1.a b", "99999999999999999999.x"])
    func noCursor(text: String) {
        #expect(TasksResource.cursor(text) == nil)
    }
}

@Suite("Queries of the admin API")
struct AdminQueryTests {
    private func query(_ text: String, _ names: String...) throws(AdminError) -> AdminQuery {
        try AdminQuery(HTTPRequest(.get, "/api/x?\(text)"), names, repeated: ["backend"])
    }

    private func refusal(_ text: String) -> String? {
        do throws(AdminError) {
            let query = try query(text, "limit", "backend", "forget")
            _ = try query.number("limit", in: 1...10, usual: 5)
            _ = try query.flag("forget")
            return nil
        } catch { return error.status == .badRequest ? error.message : "\(error.status)" }
    }

    @Test("what is given is read, and what isn't is as usual")
    func reading() throws {
        let full = try query("limit=7&backend=a&backend=b&forget=true", "limit", "backend", "forget")
        #expect(try full.number("limit", in: 1...10, usual: 5) == 7)
        #expect(full.all("backend") == ["a", "b"] && full["backend"] == "a")
        #expect(try full.flag("forget"))
        let empty = try query("", "limit", "forget")
        #expect(try empty.number("limit", in: 1...10, usual: 5) == 5)
        #expect(empty.all("backend") == [] && empty["backend"] == nil)
        #expect(try empty.flag("forget") == false)
    }

    @Test(
        "what can't be read is refused with what was expected",
        arguments: [
            ("limit=x", "from 1 to 10"), ("limit=", "from 1 to 10"), ("limit=11", "from 1 to 10"),
            ("limit=1.5", "\"1.5\""),
            ("limit=1&limit=2", "once"), ("forget=yes", "true or false"), ("forget", "true or false"),
            ("Limit=1", "`limit`, `backend`, `forget`"), ("x", "`x`"),
        ])
    func refusals(text: String, told: String) throws {
        let message = try #require(refusal(text))
        #expect(message.contains(told), "\(message)")
    }
}

@Suite("How a backend stands", .timeLimit(.minutes(2)))
struct BackendStandTests {
    private func shown(_ world: MirrorWorld) throws -> JSONValue {
        let resource = BackendsResource(fleet: world.parts.fleet, mirror: world.mirror, clock: world.clock)
        return try JSONValue(parsing: try #require(resource.json(of: MirrorWorld.name)))
    }

    private func read(_ world: MirrorWorld, unfinished: Int, isCluster: Bool = false) {
        world.parts.fleet.change(MirrorWorld.name) { member in
            member.load = BackendLoad(
                slots: 4, unfinished: unfinished, maxImages: nil, engine: "odm", engineVersion: "3.6.0",
                apiVersion: "2.2.4", isCluster: isCluster)
            member.loadReadAt = world.clock.monotonic()
        }
    }

    @Test("its unfinished tasks are those of its last reading and what was placed and ended since, and at least ours")
    func unfinished() async throws {
        try await MirrorWorld.run { world in
            #expect(try shown(world)["unfinished"] == .null, "it was never read")
            read(world, unfinished: 0)
            #expect(try shown(world)["unfinished"]?.integer == 0)
            _ = try await world.placed("a")
            #expect(try shown(world)["tasks"]?.integer == 1)
            #expect(try shown(world)["unfinished"]?.integer == 1, "the reading is from before")
            read(world, unfinished: 3)
            #expect(try shown(world)["unfinished"]?.integer == 3, "others send it tasks too")
            world.parts.fleet.change(MirrorWorld.name) { $0.acceptedSinceRead = 2 }
            #expect(try shown(world)["unfinished"]?.integer == 5, "more than it has slots: those wait there")
            world.parts.fleet.change(MirrorWorld.name) { $0.endedSinceRead = 9 }
            #expect(try shown(world)["unfinished"]?.integer == 1)
            read(world, unfinished: 7, isCluster: true)
            #expect(try shown(world)["unfinished"]?.integer == 1, "a ClusterODM's counter says nothing")
        }
    }

    @Test("while it is offline it is told since when, and what to do")
    func offline() async throws {
        try await MirrorWorld.run { world throws in
            read(world, unfinished: 0)
            #expect(try shown(world)["advice"] == nil)
            #expect(try shown(world)["offlineSince"] == nil)
            world.clock.advance(by: .seconds(90))
            world.parts.fleet.change(MirrorWorld.name) { $0.failuresInARow = 3 }
            #expect(try shown(world)["offlineSince"]?.text == "2023-11-14T22:13:20.000Z")
            #expect(
                try shown(world)["advice"]?.text
                    == "start it, or begin its tasks elsewhere with `scaleodm backends evacuate fra`")
            world.parts.fleet.change(MirrorWorld.name) { $0.loadReadAt = nil }
            #expect(try shown(world)["offlineSince"] == nil, "it never answered")
            #expect(try shown(world)["advice"]?.text != nil)
        }
    }
}

@Suite("Why a task is where it is", .timeLimit(.minutes(2)))
struct TaskReasonTests {
    private func why(_ id: TaskID, in world: MirrorWorld) async throws -> String {
        let resource = TasksResource(
            store: world.store, events: world.record.events, mirror: world.mirror, fleet: world.parts.fleet,
            clock: world.clock, waitingReason: { _ in nil })
        let json = try #require(try await resource.task(id.string))
        return try #require(try JSONValue(parsing: json)["why"]?.text)
    }

    @Test("of a task whose node is silent it is told since when, what was last heard, and what to do")
    func offline() async throws {
        let advice = "start it, or begin its tasks elsewhere with `scaleodm backends evacuate fra`"
        try await MirrorWorld.run { world in
            let id = try await world.placed("t")
            world.parts.fleet.change(MirrorWorld.name) { $0.loadReadAt = world.clock.monotonic() }
            #expect(try await why(id, in: world) == "free slot")
            world.mirror.change(id) { $0.record.progress = 45.6 }
            world.clock.advance(by: .seconds(90))
            world.parts.fleet.change(MirrorWorld.name) { $0.failuresInARow = 3 }
            #expect(
                try await why(id, in: world)
                    == "fra is offline since 2023-11-14T22:13:20Z (last status: running, 45 %): \(advice)")
            world.parts.fleet.change(MirrorWorld.name) { $0.loadReadAt = nil }
            #expect(
                try await why(id, in: world)
                    == "fra has not answered since this gateway was started (last status: running, 45 %): \(advice)")
            world.parts.fleet.change(MirrorWorld.name) { $0.failuresInARow = 0 }
            #expect(try await why(id, in: world) == "free slot", "it wasn't read yet, so nothing is known")
        }
    }
}
