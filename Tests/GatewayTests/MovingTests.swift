import Backends
import Model
import Reactor
import Record
import TestSupport
import Testing

@testable import Gateway

@Suite("Inputs on their way", .timeLimit(.minutes(5)))
struct MovingTests {
    private static func one(slots: Int = 1) -> @Sendable (ManualClock) -> [ScriptedBackend] {
        { [ScriptedBackend("a", slots: slots, clock: $0)] }
    }

    private static let two: @Sendable (ManualClock) -> [ScriptedBackend] = {
        [ScriptedBackend("a", clock: $0), ScriptedBackend("b", clock: $0)]
    }

    /// A task whose inputs are sent ahead to a busy node, then that node's slot becomes free.
    private func promoted(
        losing answer: String? = nil,
        _ check: @escaping @Sendable (ControlRoom, ScriptedBackend) async throws -> Void
    ) async throws {
        var settings = ControlRoom.Settings()
        settings.prefetch = 1
        try await ControlRoom.with([.mirror, .monitor], settings, nodes: Self.one()) { room in
            let (first, node) = try await room.placed("first")
            let second = try await room.commit("second")
            try await room.until("its inputs are there", stepping: .milliseconds(50)) { node.now.areas.count == 1 }
            #expect(try await room.read(second).state == .queued)
            if let answer { room.database.loseAnswer(to: answer) }
            let running = try await room.name(first)
            node.set { $0.tasks[running]?.code = .completed }
            try await room.until("it is placed", stepping: .milliseconds(200)) {
                try await room.read(second).state == .placed
            }
            #expect(try await room.attempts(second).count == 1)
            try await check(room, node)
        }
    }

    @Test("inputs are sent ahead to a busy node, and committed there when its slot is free")
    func prefetch() async throws {
        try await promoted { (_, node) async throws in #expect(node.count(.stage) == 2) }
    }

    @Test("a slot that the record gave, and whose answer was lost, is used")
    func lostPromotion() async throws {
        try await promoted(losing: "attempt.promote") { (room, _) async throws in #expect(room.database.hasLostAnswer) }
    }

    @Test("an attempt that the record took, and whose answer was lost, is carried out")
    func lostBegin() async throws {
        try await ControlRoom.with(nodes: Self.one()) { room in
            room.database.loseAnswer(to: "attempt.insert")
            let id = try await room.commit("t")
            try await room.until("it is placed", stepping: .milliseconds(200)) {
                try await room.read(id).state == .placed
            }
            #expect(room.database.hasLostAnswer)
            #expect(room.nodes[0].startCount == 1)
        }
    }

    @Test("inputs that are still on their way move when another slot is free, and when their node goes offline")
    func stuckPrefetch() async throws {
        var settings = ControlRoom.Settings()
        settings.prefetch = 1
        for isOffline in [false, true] {
            try await ControlRoom.with([.cleaner], settings, nodes: Self.two) { room in
                // b is full of others' work.
                room.fleet.change(room.nodes[1].name) { $0.load?.unfinished = 1 }
                let (_, node) = try await room.placed("first")
                try #require(node.name == room.nodes[0].name)
                node.set { $0.script[.stage] = [.hang] }
                let second = try await room.commit("second")
                try await room.until("it is sent ahead") { node.count(.stage) == 2 }
                if isOffline {
                    room.fleet.change(node.name) { $0.failuresInARow = 3 }
                    room.parts.placement.wake()
                    try await room.until("it is given back") { try await room.attempts(second).first?.state == .ended }
                }
                room.fleet.change(room.nodes[1].name) { $0.load?.unfinished = 0 }
                room.parts.placement.wake()
                try await room.until("it moved") {
                    let record = try await room.read(second)
                    return record.state == .placed && record.attempt?.backend == room.nodes[1].name
                }
                #expect(try await room.read(second).failures == 0)
                room.fleet.change(node.name) { $0.failuresInARow = 0 }
                try await room.until("the area is discarded", stepping: .milliseconds(500)) {
                    node.count(.discard) == 1
                }
            }
        }
    }

    @Test("a task on its way to a node that went offline is given back uncounted, before its commit only")
    func offlineWhileSending() async throws {
        try await ControlRoom.with(nodes: Self.two) { room in
            for node in room.nodes { node.set { $0.script[.stage] = [.hang] } }
            let id = try await room.commit("t")
            try await room.until("it is sent") { room.nodes.contains { $0.count(.stage) == 1 } }
            let frozen = try #require(room.nodes.first { $0.count(.stage) == 1 })
            let well = try #require(room.nodes.first { $0.name != frozen.name })
            well.set { $0.script = [:] }
            room.fleet.change(frozen.name) { $0.failuresInARow = 3 }
            room.parts.placement.wake()
            try await room.until("it is elsewhere") { try await room.read(id).attempt?.backend == well.name }
            try await room.until("it is placed") { try await room.read(id).state == .placed }
            #expect(try await room.read(id).failures == 0)
            #expect(frozen.startCount == 0 && well.startCount == 1)

            well.set { $0.script[.commit] = [.hang] }
            room.fleet.change(well.name) { $0.load?.slots = 2 }
            let second = try await room.commit("second")
            try await room.until("its commit is under way") { well.count(.commit) == 2 }
            room.fleet.change(well.name) { $0.failuresInARow = 3 }
            room.fleet.change(frozen.name) { $0.failuresInARow = 0 }
            try await room.pass(.seconds(30))
            #expect(try await room.read(second).attempt?.backend == well.name)
        }
    }
}
