import Model
import NodeODM
import Reactor
import Record
import SQL
import TestSupport
import Testing

@testable import Gateway

@Suite("Replicas: two gateways on one record", .timeLimit(.minutes(5)))
struct ReplicaTests {
    @Test("tasks that arrive at both are placed by one of them, each once")
    func oneDecides() async throws {
        try await ReplicaWorld.with(nodes: { [ScriptedBackend("fra", slots: 40, clock: $0)] }) { world in
            #expect(world.a.isInCharge != world.b.isInCharge)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    let gateway = world.gateways[number % 2]
                    group.addTask { try await gateway.room.commit("task-\(number)") }
                }
                try await group.waitForAll()
            }
            try await world.until("all run") { world.starts == 20 }
            for number in 0..<20 {
                let id = try #require(TaskID("task-\(number)"))
                try await world.until("it is placed") { try await world.a.room.read(id).state == .placed }
                #expect(try await world.a.room.attempts(id).count == 1)
            }
            let starts = world.nodes[0].now.starts
            #expect(starts.values.allSatisfy { $0 == 1 })
        }
    }

    @Test("what is handed back is taken at once, and the next one decides")
    func handover() async throws {
        try await ReplicaWorld.with(nodes: { [ScriptedBackend("fra", slots: 9, clock: $0)] }) { world in
            try await world.a.room.placed("before")
            await world.a.room.dispatcher.standDown()
            await world.a.keeper.resign()
            try await world.until("the other decides") { world.b.isInCharge }
            #expect(!world.a.isInCharge && world.a.duties.held.isEmpty)
            let id = try await world.a.room.commit("after")
            try await world.until("it is placed by the other") { try await world.b.room.read(id).state == .placed }
            #expect(world.starts == 2)
        }
    }

    @Test("inputs on their way when their gateway goes are discarded, and the next attempt is another's")
    func takeoverOfSending() async throws {
        try await ReplicaWorld.with(nodes: { [ScriptedBackend("fra", slots: 2, clock: $0)] }) { world in
            world.nodes[0].set { $0.script[.stage] = [.hang] }
            let id = try await world.a.room.commit("t")
            try await world.until("it is sent") { world.nodes[0].count(.stage) == 1 }
            let first = try await world.a.room.name(id)
            try await world.expire(world.a)
            try await world.until("the other decides") { world.b.isInCharge }
            try await world.until("it runs", stepping: .milliseconds(100)) { world.starts == 1 }
            // The first gateway wakes up, and finds that it may not commit.
            world.a.room.database.isAway = false
            world.nodes[0].thaw()
            try await world.pass(.seconds(20))
            let attempts = try await world.b.room.attempts(id)
            #expect(attempts.count == 2 && attempts[0].outcome == .released && attempts[1].state == .accepted)
            #expect(attempts[0].carrier != attempts[1].carrier)
            #expect(world.starts == 1 && world.nodes[0].now.starts[first] == nil)
            try await world.until("the area is discarded", stepping: .milliseconds(100)) {
                world.nodes[0].now.calls.contains("discard \(first)")
            }
        }
    }

    @Test("a commit under way when its gateway goes is settled by looking", arguments: [true, false])
    func takeoverOfCommitting(hasArrived: Bool) async throws {
        try await ReplicaWorld.with(nodes: { [ScriptedBackend("fra", slots: 2, clock: $0)] }) { world in
            let node = world.nodes[0]
            node.set { $0.script[.commit] = [.hang] }
            let id = try await world.a.room.commit("t")
            try await world.until("it is committed") { node.count(.commit) == 1 }
            let name = try await world.a.room.name(id)
            if hasArrived {
                node.set {
                    $0.areas.remove(name)
                    $0.tasks[name] = .init()
                    $0.starts[name] = 1
                }
            }
            try await world.expire(world.a)
            try await world.until("it is placed", stepping: .milliseconds(100)) {
                try await world.b.room.read(id).state == .placed
            }
            world.a.room.database.isAway = false
            node.thaw()
            try await world.pass(.seconds(20))
            #expect(try await world.b.room.attempts(id).count == 1)
            #expect(node.now.starts == [name: 1])
            #expect(node.count(.commit) == (hasArrived ? 1 : 2))
        }
    }

    @Test("what another gateway still sends holds its slot for who decides by now")
    func foreignSlots() async throws {
        try await ReplicaWorld.with(nodes: { [ScriptedBackend("fra", clock: $0)] }) { world in
            let node = world.nodes[0]
            node.set { $0.script[.stage] = [.hang] }
            let first = try await world.a.room.commit("first")
            try await world.until("it is sent") { node.count(.stage) == 1 }
            try await world.handDecisionsOver()
            let second = try await world.b.room.commit("second")
            try await world.pass(.seconds(20))
            #expect(node.count(.stage) == 1)
            node.thaw()
            try await world.until("the first runs", stepping: .milliseconds(50)) {
                try await world.b.room.read(first).state == .placed
            }
            #expect(try await world.b.room.attempts(first).count == 1)
            let name = try await world.b.room.name(first)
            node.set { $0.tasks[name]?.code = .completed }
            try await world.until("then the second", stepping: .milliseconds(100)) {
                try await world.b.room.read(second).state == .placed
            }
            #expect(world.starts == 2)
        }
    }

    @Test("inputs that another gateway has sent ahead don't wait for a slot that it can't give any more")
    func foreignPrefetch() async throws {
        try await ReplicaWorld.with(prefetch: 1, nodes: { [ScriptedBackend("fra", clock: $0)] }) { world in
            let (first, node) = try await world.a.room.placed("first")
            let second = try await world.a.room.commit("second")
            try await world.until("its inputs are there") { node.now.areas.count == 1 }
            try await world.handDecisionsOver()
            let name = try await world.b.room.name(first)
            node.set { $0.tasks[name]?.code = .completed }
            try await world.until("it runs", stepping: .milliseconds(100)) {
                try await world.b.room.read(second).state == .placed
            }
            #expect(world.starts == 2)
            try await world.until("the first gateway has given it up", stepping: .milliseconds(100)) {
                await world.a.room.dispatcher.transfers.isEmpty
            }
        }
    }

    @Test("who can't renew stops its transfers by its own clock, and goes on under the same lease if nobody took it")
    func lapse() async throws {
        try await ReplicaWorld.with(nodes: { [ScriptedBackend("fra", slots: 2, clock: $0)] }) { world in
            let node = world.nodes[0]
            node.set { $0.script[.stage] = [.hang] }
            let id = try await world.a.room.commit("t")
            try await world.until("it is sent") { node.count(.stage) == 1 }
            let lease = try #require(world.a.duties.lease(.scheduling))
            world.a.room.database.isAway = true
            for _ in 0..<16 {
                #expect(world.starts == 0)
                world.a.clock.advance(by: .seconds(1))
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(!world.a.duties.isMine(.transferring) && !world.a.isInCharge)
            try await world.until("the transfer is stopped") {
                await world.a.room.dispatcher.transfers.values.allSatisfy { $0.stopReason != nil }
            }
            world.a.room.database.isAway = false
            try await world.until("it runs", stepping: .milliseconds(100)) { world.starts == 1 }
            #expect(world.a.duties.lease(.scheduling) == lease || world.b.isInCharge)
            try await world.until("it is placed") { try await world.a.room.read(id).state == .placed }
        }
    }

    @Test("a cancel at one stops the transfer at the other, and shows there within a second")
    func cancelElsewhere() async throws {
        try await ReplicaWorld.with(nodes: { [ScriptedBackend("fra", slots: 2, clock: $0)] }) { world in
            world.nodes[0].set { $0.script[.stage] = [.hang] }
            let id = try await world.a.room.commit("t")
            try await world.until("it is sent") { world.nodes[0].count(.stage) == 1 }
            try await world.until("both know it", stepping: .milliseconds(10)) {
                world.gateways.allSatisfy { $0.room.parts.mirror.task(id)?.record.state == .dispatching }
            }
            _ = try await world.b.store.requestCancel(id, for: .everything, at: world.b.room.now)
            try await world.until("both show it", stepping: .milliseconds(1)) {
                world.gateways.allSatisfy { $0.room.parts.mirror.task(id)?.record.shownCode == .canceled }
            }
            try await world.until("the transfer is gone", stepping: .milliseconds(10)) {
                await world.a.room.dispatcher.transfers.isEmpty
            }
            #expect(world.starts == 0)
        }
    }

    /// The gateway that watches a backend, once both know of each other and have settled who does; and the other.
    private static func watcher(
        of backend: BackendName, in world: ReplicaWorld
    ) async throws -> (owner: ReplicaWorld.Gateway, other: ReplicaWorld.Gateway) {
        let chosen = LeaseKeeper.chosen(for: backend, among: Set(world.gateways.map(\.holder)))
        let owner = try #require(world.gateways.first { $0.holder == chosen })
        try await world.until("the chosen one watches", stepping: .milliseconds(100)) {
            owner.duties.isMine(.watching(backend))
        }
        return (owner, try #require(world.gateways.first { $0.holder != chosen }))
    }

    @Test("one gateway watches a backend and writes; the other shows what its own clients ask for")
    func oneWatches() async throws {
        try await ReplicaWorld.with(nodes: { [ScriptedBackend("fra", slots: 2, clock: $0)] }) { world in
            let (id, node) = try await world.a.room.placed("t")
            let (owner, other) = try await Self.watcher(of: node.name, in: world)
            let name = try await owner.room.name(id)
            node.set { $0.tasks[name]?.output = ["started", "two"] }
            try await world.until("both show the lines", stepping: .milliseconds(50)) {
                world.gateways.allSatisfy { $0.room.parts.mirror.task(id)?.tail.end == 2 }
            }
            try await world.until("they are written", stepping: .milliseconds(100)) {
                try await other.store.output(of: id, from: 0).count == 2
            }
            node.set { $0.tasks[name]?.code = .completed }
            try await world.until("both show the end", stepping: .milliseconds(50)) {
                world.gateways.allSatisfy { $0.room.parts.mirror.task(id)?.record.state == .completed }
            }
            #expect(try await other.store.output(of: id, from: 0) == ["started", "two"])
            #expect(try await other.room.events(id).filter { $0 == .completed }.count == 1)
        }
    }

    @Test("the watching goes over with its lines' numbers")
    func watchingGoesOver() async throws {
        try await ReplicaWorld.with(nodes: { [ScriptedBackend("fra", slots: 2, clock: $0)] }) { world in
            let (id, node) = try await world.a.room.placed("t")
            let duty = Duty.watching(node.name)
            let (owner, other) = try await Self.watcher(of: node.name, in: world)
            let name = try await owner.room.name(id)
            let lines = ["started"] + (2...8).map { "line \($0)" }
            node.set { $0.tasks[name]?.output = Array(lines.prefix(5)) }
            try await world.until("five are written", stepping: .milliseconds(100)) {
                try await other.store.output(of: id, from: 0).count == 5
            }
            await owner.room.dispatcher.standDown()
            await owner.keeper.resign()
            try await world.until("the other watches", stepping: .milliseconds(50)) { other.duties.isMine(duty) }
            node.set {
                $0.tasks[name]?.output = lines
                $0.tasks[name]?.code = .completed
            }
            try await world.until("it ends", stepping: .milliseconds(50)) {
                try await other.room.read(id).state == .completed
            }
            #expect(try await other.store.output(of: id, from: 0) == lines)
        }
    }
}
