import Backends
import Model
import Reactor
import Record
import TestSupport
import Testing

@testable import Gateway

@Suite("Drained and evacuated backends", .timeLimit(.minutes(5)))
struct EvacuationTests {
    private static let two: @Sendable (ManualClock) -> [ScriptedBackend] = {
        [ScriptedBackend("a", clock: $0), ScriptedBackend("b", clock: $0)]
    }

    private static func drain(_ room: ControlRoom, _ node: ScriptedBackend) {
        room.fleet.change(node.name) { $0.switches.isDraining = true }
        room.parts.placement.wake()
    }

    @Test("a task that runs is begun elsewhere, and its old copy removed", arguments: ScratchDatabase.all)
    func running(scratch: ScratchDatabase) async throws {
        try await ControlRoom.with([.monitor, .cleaner, .mirror], on: scratch, nodes: Self.two) { room in
            let (id, old) = try await room.placed("t")
            Self.drain(room, old)
            #expect(try await room.dispatcher.evacuate(old.name) == .init(moved: 1, left: 0))
            try await room.until("it runs elsewhere", stepping: .milliseconds(100)) {
                let record = try await room.read(id)
                return record.state == .placed && record.attempt?.backend != old.name
            }
            try await room.until("the old copy is removed", stepping: .milliseconds(500)) { old.now.tasks.isEmpty }
            let task = try await room.read(id)
            #expect(task.failures == 0 && task.attempt?.backend != old.name)
            #expect(try await room.attempts(id).first?.outcome == .fenced)
            #expect(try await room.dispatcher.evacuate(old.name) == .init())
        }
    }

    @Test("the copy of a backend that was silent is removed when it returns, even while no other has taken the task")
    func silent() async throws {
        try await ControlRoom.with([.monitor, .cleaner, .mirror], nodes: Self.two) { room in
            let (id, old) = try await room.placed("t")
            let other = try #require(room.nodes.first { $0.name != old.name })
            room.fleet.change(other.name) { $0.switches.isLocked = true }
            old.set { $0.isSilent = true }
            Self.drain(room, old)
            #expect(try await room.dispatcher.evacuate(old.name).moved == 1)
            #expect(try await room.read(id).state == .queued)
            old.set { $0.isSilent = false }
            try await room.until("the old copy is removed", stepping: .milliseconds(500)) { old.now.tasks.isEmpty }
            #expect(try await room.read(id).state == .queued)
            #expect(old.startCount == 1 && other.startCount == 0)
        }
    }

    @Test("what was cancelled ends with the evacuation")
    func cancelled() async throws {
        try await ControlRoom.with([.cleaner], nodes: Self.two) { room in
            let (id, old) = try await room.placed("t")
            old.set { $0.isSilent = true }
            _ = try await room.store.requestCancel(id, for: .everything, at: room.now)
            Self.drain(room, old)
            #expect(try await room.dispatcher.evacuate(old.name).moved == 1)
            #expect(try await room.read(id).state == .canceled)
        }
    }

    @Test("what needs the project there stays")
    func bound() async throws {
        try await ControlRoom.with([.monitor, .mirror], nodes: Self.two) { room in
            let (id, node) = try await room.completed("t")
            let outcome = try await room.store.requestRestart(
                id, for: .everything, boundTo: node.name, at: room.now)
            #expect(outcome == .queued)
            room.parts.placement.wake()
            try await room.until("it runs again", stepping: .milliseconds(100)) {
                try await room.read(id).state == .placed
            }
            Self.drain(room, node)
            #expect(try await room.dispatcher.evacuate(node.name) == .init(moved: 0, left: 1))
            #expect(try await room.read(id).state == .placed)
        }
    }

    @Test("inputs on their way to a node that begins to drain go elsewhere, uncounted", arguments: [true, false])
    func onTheWay(isEvacuated: Bool) async throws {
        let nodes: @Sendable (ManualClock) -> [ScriptedBackend] = {
            [
                ScriptedBackend("a", clock: $0) { $0.script[.stage] = [.hang] },
                ScriptedBackend("b", slots: 0, clock: $0),
            ]
        }
        try await ControlRoom.with([.monitor, .cleaner], nodes: nodes) { room in
            let id = try await room.commit("t")
            try await room.until("its inputs are on their way") { room.nodes[0].count(.stage) == 1 }
            room.nodes[1].set { $0.slots = 1 }
            Self.drain(room, room.nodes[0])
            if isEvacuated { #expect(try await room.dispatcher.evacuate(room.nodes[0].name).moved == 1) }
            try await room.until("it is placed elsewhere", stepping: .milliseconds(200)) {
                let record = try await room.read(id)
                return record.state == .placed && record.attempt?.backend == room.nodes[1].name
            }
            #expect(try await room.read(id).failures == 0)
            #expect(room.nodes[0].startCount == 0 && room.nodes[1].startCount == 1)
        }
    }

    @Test("a committing attempt whose backend came to be a member only now is settled by looking")
    func newMember() async throws {
        try await ControlRoom.with([], nodes: Self.two) { room in
            let (a, b) = (room.nodes[0], room.nodes[1])
            let members = room.fleet.members
            room.fleet.assemble([members[0]])
            a.set { $0.isSilent = true }
            // Else the dispatcher might choose it before the test chooses the other.
            room.fleet.change(a.name) { $0.switches.isLocked = true }
            let id = try await room.commit("t")
            try await room.until("it waits") { try await room.read(id).state == .queued }
            let begun = try await room.store.begin(id, on: b.name, reason: "test", at: room.now) { _ in
                BackendTaskID("t")
            }
            guard case .begun(let attempt) = begun else { throw NotReached() }
            _ = try await room.store.markSending(attempt.key, at: room.now)
            _ = try await room.store.markCommitting(attempt.key, at: room.now)
            b.set { $0.tasks["t"] = .init() }
            room.fleet.assemble(members)
            room.parts.placement.wake()
            try await room.until("it is accepted", stepping: .milliseconds(100)) {
                try await room.read(id).state == .placed
            }
            #expect(b.startCount == 0)
        }
    }
}
