import Backends
import Model
import Reactor
import Record
import Scheduling
import TestSupport
import Testing

@testable import Gateway

@Suite("Where tasks may go", .timeLimit(.minutes(5)))
struct WhereTasksGoTests {
    private static func one(slots: Int = 1) -> @Sendable (ManualClock) -> [ScriptedBackend] {
        { [ScriptedBackend("a", slots: slots, clock: $0)] }
    }

    @Test("a draining node gets no task, and gives up the inputs that were sent ahead")
    func draining() async throws {
        var settings = ControlRoom.Settings()
        settings.prefetch = 1
        try await ControlRoom.with([.cleaner], settings, nodes: Self.one()) { room in
            let (_, node) = try await room.placed("first")
            let second = try await room.commit("second")
            try await room.until("its inputs are there") { node.now.areas.count == 1 }
            room.fleet.change(node.name) { $0.switches.isDraining = true }
            room.parts.placement.wake()
            try await room.until("the area is gone", stepping: .milliseconds(500)) { node.now.areas.isEmpty }
            try await room.until("it waits") { try await room.attempts(second).last?.state == .ended }
            #expect(try await room.read(second).state == .queued)
            #expect(try await room.events(second).contains(.prefetchMoved))
        }
    }

    @Test("a task that no backend could take waits for impossible_after, and fails with the reason")
    func impossible() async throws {
        try await ControlRoom.with(nodes: { [ScriptedBackend("a", clock: $0) { $0.maxImages = 1 }] }) { room in
            let id = try await room.commit("t", images: 2)
            try await room.until("it waits") { try await room.read(id).shownCode == .queued }
            room.clock.advance(by: .seconds(3500))
            room.parts.placement.wake()
            try await room.pass(.seconds(1))
            #expect(try await room.read(id).state == .queued)
            room.clock.advance(by: .seconds(200))
            room.parts.placement.wake()
            try await room.until("it failed") { try await room.read(id).state == .failed }
            let message = try #require(try await room.read(id).errorMessage)
            #expect(message.contains("takes at most 1 images"))
        }
    }

    @Test("a ClusterODM gets a fresh name each time, one task without max_parallel_tasks, and no second commit")
    func cluster() async throws {
        let uuid = "8d1cf4f2-5b1e-4f0e-9b69-2f3a3f1f6a01"
        try await ControlRoom.with(
            nodes: { [ScriptedBackend("a", slots: 99_999_999, clock: $0) { $0.isCluster = true }] }
        ) { room in
            let node = room.nodes[0]
            node.set { $0.script[.commit] = [.fail(.outcomeUnknown)] }
            let id = try await room.commit(uuid)
            room.clock.advance(by: .seconds(1))
            let second = try await room.commit("second")
            try await room.until("it is looked for") { node.count(.status) >= 1 }
            let name = try await room.name(id)
            #expect(name != uuid)
            #expect(TaskID(name)?.isUUID == true)
            #expect(name.utf8.dropFirst(14).first == UInt8(ascii: "4"))
            try await room.until("it is proven absent and sent anew", stepping: .seconds(1)) {
                try await room.read(id).state == .placed
            }
            #expect(try await room.attempts(id).count == 2)
            #expect(try await room.name(id) != name)
            #expect(try await room.read(second).state == .queued)
        }
    }

    @Test("a refused name is replaced once by a fresh one, uncounted")
    func refusedName() async throws {
        try await ControlRoom.with(nodes: Self.one()) { room in
            room.nodes[0].set { $0.script[.stage] = [.fail(.identityRefused)] }
            let id = try await room.commit("8d1cf4f2-5b1e-4f0e-9b69-2f3a3f1f6a01")
            try await room.until("it is placed") { try await room.read(id).state == .placed }
            #expect(try await room.attempts(id).count == 1)
            #expect(try await room.read(id).failures == 0)
            #expect(try await room.name(id) != id.string)
            #expect(try await room.events(id).contains(.renamed))
        }
    }

    @Test("owners' limits and labels decide what is placed")
    func owners() async throws {
        var settings = ControlRoom.Settings()
        settings.owners["limited"] = OwnerPolicy(share: OwnerShare(limit: 1))
        settings.owners["labelled"] = OwnerPolicy(labels: ["gpu": "true"])
        settings.owners["urgent"] = OwnerPolicy(share: OwnerShare(priority: 1))
        try await ControlRoom.with([], settings, nodes: Self.one(slots: 4)) { room in
            for name in ["l1", "l2"] { try await room.commit(name, owner: "limited") }
            let labelled = try await room.commit("g", owner: "labelled")
            try await room.until("one runs") { room.nodes[0].startCount == 1 }
            try await room.commit("free")
            try await room.until("the free one runs") { room.nodes[0].startCount == 2 }
            try await room.pass(.seconds(10))
            #expect(room.nodes[0].startCount == 2)
            #expect(try await room.read(labelled).state == .queued)
        }
    }
}
