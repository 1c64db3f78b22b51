import Backends
import Model
import Reactor
import Record
import TestSupport
import Testing

@testable import Gateway

@Suite("Restarts that need a project", .timeLimit(.minutes(5)))
struct ProjectTests {
    private static let two: @Sendable (ManualClock) -> [ScriptedBackend] = {
        [ScriptedBackend("a", clock: $0), ScriptedBackend("b", clock: $0)]
    }

    @Test("a restart that needs the project runs on its node, and nowhere else while that is away")
    func bound() async throws {
        try await ControlRoom.with(nodes: Self.two) { room in
            let (id, node) = try await room.completed("t")
            room.fleet.change(node.name) { $0.failuresInARow = 3 }
            let rerun = #"[{"name":"rerun-from","value":"odm_report"}]"#
            let outcome = try await room.store.requestRestart(
                id, for: .everything, options: rerun, boundTo: node.name, at: room.now)
            #expect(outcome == .queued)
            await room.parts.refresh(id)
            room.parts.placement.wake()
            try await room.until("it waits") { try await room.read(id).shownCode == .queued }
            try await room.pass(.seconds(60))
            #expect(try await room.read(id).state == .queued)
            room.fleet.change(node.name) { $0.failuresInARow = 0 }
            room.parts.placement.wake()
            try await room.until("it runs again") { try await room.read(id).state == .placed }
            #expect(try await room.attempts(id).last?.isInPlace == true)
            #expect(node.count(.restart) == 1 && node.count(.stage) == 1)
        }
    }

    @Test("where a run can't be gone on with, a restart sends everything anew, and the old run is removed")
    func nothingInPlace() async throws {
        try await ControlRoom.with([.cleaner], nodes: { [ScriptedBackend("a", clock: $0)] }) { room in
            let (id, node) = try await room.completed("t")
            node.set { $0.restartsInPlace = false }
            let owner = ProjectOwner(lookup: room.parts.lookup)
            #expect(try await owner.find(for: id) == nil)
            _ = try await room.store.requestRestart(id, for: .everything, at: room.now)
            await room.parts.refresh(id)
            room.parts.placement.wake()
            try await room.until("it runs again", stepping: .milliseconds(500)) {
                try await room.read(id).state == .placed
            }
            #expect(node.count(.restart) == 0 && node.count(.stage) == 2)
            try await room.until("the old run is removed", stepping: .milliseconds(500)) { node.now.tasks.count == 1 }
        }
    }

    @Test(
        "a restart in place that its node didn't take leaves the project there, for the next try",
        arguments: [BackendError.Code.notSent, .unauthorized, .busy, .malformedAnswer, .outcomeUnknown])
    func projectStays(code: BackendError.Code) async throws {
        try await ControlRoom.with([.cleaner], nodes: Self.two) { room in
            let (id, node) = try await room.completed("t")
            node.set { $0.script[.restart] = [.fail(code)] }
            room.clock.advance(by: .seconds(600))
            _ = try await room.store.requestRestart(id, for: .everything, boundTo: node.name, at: room.now)
            await room.parts.refresh(id)
            room.parts.placement.wake()
            try await room.until("it runs again", stepping: .milliseconds(500)) {
                try await room.read(id).state == .placed
            }
            #expect(node.count(.restart) == 2)
            #expect(node.count(.remove) == 0 && node.count(.discard) == 0)
            #expect(node.now.starts.values.first == 2)
        }
    }

    @Test("a restart in place whose answer was lost isn't made again after its run has ended")
    func endedBeforeTheLook() async throws {
        try await ControlRoom.with(nodes: Self.two) { room in
            let (id, node) = try await room.completed("t")
            node.set {
                $0.script[.restart] = [.loseAnswer]
                $0.script[.status] = [.hang]
            }
            room.clock.advance(by: .seconds(600))
            _ = try await room.store.requestRestart(id, for: .everything, boundTo: node.name, at: room.now)
            await room.parts.refresh(id)
            room.parts.placement.wake()
            try await room.until("the node is looked at") { !node.now.hanging.isEmpty }
            let name = try await room.name(id)
            node.set { $0.tasks[name]?.code = .completed }
            node.thaw()
            try await room.until("it is placed", stepping: .milliseconds(500)) {
                try await room.read(id).state == .placed
            }
            #expect(node.count(.restart) == 1)
        }
    }

    @Test("a restart that needs a project which is gone ends with a word of what to do", arguments: [true, false])
    func projectGone(nodeLostIt: Bool) async throws {
        try await ControlRoom.with(nodes: Self.two) { room in
            let (id, node) = try await room.completed("t")
            if nodeLostIt { node.set { $0.tasks = [:] } }
            room.fleet.change(node.name) { $0.switches.isLocked = true }
            _ = try await room.store.requestRestart(id, for: .everything, boundTo: node.name, at: room.now)
            if !nodeLostIt { room.fleet.change(node.name) { $0.switches.isRetired = true } }
            room.fleet.change(node.name) { $0.switches.isLocked = false }
            await room.parts.refresh(id)
            room.parts.placement.wake()
            if !nodeLostIt {
                try await room.until("it waits") { try await room.read(id).shownCode == .queued }
                room.clock.advance(by: .seconds(3601))
                room.parts.placement.wake()
            }
            try await room.until("it ended") { try await room.read(id).state == .failed }
            #expect(try await room.read(id).errorMessage == ProjectOwner.gone)
            #expect(room.nodes.map(\.startCount).reduce(0, +) == 1)
        }
    }

    @Test("the owner of a project is found where it says so itself", arguments: [true, false])
    func projectOwner(isCancellable: Bool) async throws {
        try await ControlRoom.with(nodes: Self.two) { room in
            let (id, node) = try await room.completed("t")
            let owner = ProjectOwner(lookup: room.parts.lookup)
            #expect(try await owner.find(for: id) == node.name)
            room.fleet.change(node.name) { $0.failuresInARow = 3 }
            #expect(try await owner.find(for: id) == nil)
            room.fleet.change(node.name) { $0.failuresInARow = 0 }
            node.set {
                $0.isFrozen = true
                $0.isStubborn = !isCancellable
            }
            async let asked = owner.find(for: id)
            try await room.until("it is asked", stepping: .milliseconds(1)) {
                node.now.hanging.count + node.now.stuck.count == 1
            }
            room.clock.advance(by: .seconds(6))
            #expect(try await asked == nil)
            node.thaw()
            #expect(try await !room.events(id).contains(.resultsPurged), "silence proves nothing")
            node.set { $0.tasks = [:] }
            #expect(try await owner.find(for: id) == nil)
            #expect(try await room.events(id).contains(.resultsPurged))
            #expect(try await room.read(id).shownCode == .completed)
        }
    }
}
