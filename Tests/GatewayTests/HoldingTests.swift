import Backends
import Model
import Record
import TestSupport
import Testing

@testable import Gateway

/// Backends that choose names and can't say whether they got a submission (rules: *Never twice*, `on_unknown`).
@Suite("Tasks that wait for an operator", .timeLimit(.minutes(5)))
struct HoldingTests {
    private static func one(
        _ change: @escaping @Sendable (inout ScriptedBackend.State) -> Void = { _ in }
    ) -> @Sendable (ManualClock) -> [ScriptedBackend] {
        { clock in
            [
                ScriptedBackend("a", slots: 3, clock: clock) {
                    $0.choosesNames = true
                    change(&$0)
                }
            ]
        }
    }

    /// A task whose submission never arrived, and of which nobody can tell that.
    private static func held(
        _ staff: ControlRoom.Staff = [], on scratch: ScratchDatabase = .sqlite,
        _ body: @escaping @Sendable (ControlRoom, ScriptedBackend, TaskID) async throws -> Void
    ) async throws {
        try await ControlRoom.with(
            staff, on: scratch, nodes: one { $0.script[.commit] = [.fail(.outcomeUnknown)] }
        ) { room in
            let id = try await room.commit("t")
            try await room.until("it is held") { try await room.read(id).attempt?.isHeld == true }
            try await body(room, room.nodes[0], id)
        }
    }

    @Test("the backend's own name of a task is recorded with its acceptance")
    func named() async throws {
        try await ControlRoom.with(nodes: Self.one()) { room in
            let (id, node) = try await room.placed("t")
            #expect(try await room.name(id) == "own-1")
            #expect(try await room.store.record(on: node.name, as: BackendTaskID("own-1"))?.id == id)
        }
    }

    @Test("a submission whose answer was lost is found, and its name learned")
    func lostAnswer() async throws {
        try await ControlRoom.with(nodes: Self.one { $0.script[.commit] = [.loseAnswer] }) { room in
            let (id, node) = try await room.placed("t")
            #expect(try await room.name(id) == "own-1")
            #expect(node.startCount == 1 && node.count(.commit) == 1)
            #expect(try await !room.events(id).contains(.outcomeUnknown))
        }
    }

    @Test("one that isn't found stays committing and shows 20, is told once, and is never sent again")
    func held() async throws {
        try await Self.held { room, node, id in
            for _ in 0..<20 { try await room.pass(.seconds(60)) }
            let record = try await room.read(id)
            #expect(record.shownCode == .running && record.attempt?.state == .committing)
            #expect(record.attempt?.failure == "nobody can tell")
            #expect(node.count(.commit) == 1)
            #expect(try await room.attempts(id).count == 1)
            #expect(try await room.events(id).filter { $0 == .outcomeUnknown }.count == 1)
            #expect(try await room.store.held().map(\.id) == [id])
        }
    }

    @Test("a task that turns up late is accepted")
    func late() async throws {
        try await Self.held { room, node, id in
            let mark = try await room.name(id)
            node.set {
                $0.names[mark] = "own-9"
                $0.tasks["own-9"] = .init()
            }
            try await room.until("it is placed", stepping: .seconds(5)) { try await room.read(id).state == .placed }
            let attempt = try #require(try await room.read(id).attempt)
            #expect(attempt.backendTask.string == "own-9" && attempt.failure == nil && !attempt.isHeld)
        }
    }

    @Test("other tasks are sent to that backend meanwhile")
    func others() async throws {
        try await Self.held { room, node, _ in
            try await room.placed("another")
            #expect(node.startCount == 1)
        }
    }

    @Test("an operator releases it, and it is sent anew", arguments: ScratchDatabase.all)
    func released(scratch: ScratchDatabase) async throws {
        try await Self.held([.cleaner], on: scratch) { room, node, id in
            let mark = try await room.name(id)
            #expect(try await room.dispatcher.release(id) == .queued(failures: 0))
            try await room.until("it is placed", stepping: .milliseconds(100)) {
                try await room.read(id).state == .placed
            }
            #expect(node.startCount == 1 && node.count(.commit) == 2)
            #expect(try await room.attempts(id).map(\.outcome) == [.released, nil])
            #expect(try await room.dispatcher.release(id) == .lost)
            // The first one turns up after all: it is removed.
            node.set {
                $0.names[mark] = "own-9"
                $0.tasks["own-9"] = .init()
            }
            try await room.until("it is removed", stepping: .seconds(5)) { node.now.tasks["own-9"] == nil }
        }
    }

    @Test("a held task that its owner cancelled is over once it is released")
    func cancelled() async throws {
        try await Self.held { room, node, id in
            _ = try await room.store.requestCancel(id, for: .everything, at: room.now)
            await room.dispatcher.stop(id)
            #expect(try await room.read(id).shownCode == .canceled)
            #expect(try await room.dispatcher.release(id) == .ended(.canceled))
            try await room.pass(.seconds(60))
            #expect(node.count(.commit) == 1)
        }
    }

    @Test("what isn't held can't be released: nobody knows yet what became of it")
    func notHeld() async throws {
        try await ControlRoom.with(nodes: Self.one { $0.script[.commit] = [.hang] }) { room in
            let id = try await room.commit("t")
            try await room.until("the commit is under way") { room.nodes[0].count(.commit) == 1 }
            #expect(try await room.dispatcher.release(id) == .lost)
            room.nodes[0].thaw()
            try await room.until("it is placed") { try await room.read(id).state == .placed }
        }
    }

    @Test("a start finds a held task held, and looks for it again")
    func restarted() async throws {
        try await Self.held { room, node, id in
            await room.dispatcher.stop(id)
            let looks = node.count(.status)
            try await room.until("it is looked for", stepping: .seconds(1)) { node.count(.status) > looks + 1 }
            #expect(try await room.read(id).attempt?.isHeld == true)
            #expect(node.count(.commit) == 1)
        }
    }
}
