import Backends
import Model
import Reactor
import Record
import Scheduling
import TestSupport
import Testing

@testable import Gateway

@Suite("Dispatcher", .timeLimit(.minutes(5)))
struct DispatcherTests {
    private static func one(slots: Int = 1) -> @Sendable (ManualClock) -> [ScriptedBackend] {
        { [ScriptedBackend("a", slots: slots, clock: $0)] }
    }

    private static let two: @Sendable (ManualClock) -> [ScriptedBackend] = {
        [ScriptedBackend("a", clock: $0), ScriptedBackend("b", clock: $0)]
    }

    // MARK: Failures before the acceptance

    struct Failure: Sendable, CustomStringConvertible {
        var call: ScriptedBackend.Call
        var code: BackendError.Code
        /// Whether the backend still answers /info.
        var answers = true
        var isCounted: Bool
        var opensCircuit: Bool
        var description: String { "\(call.rawValue) \(code.rawValue)\(answers ? "" : ", silent")" }
    }

    @Test(
        "what counts and what takes the backend out of the choice",
        arguments: [
            Failure(call: .stage, code: .refused, isCounted: true, opensCircuit: false),
            Failure(call: .commit, code: .refused, isCounted: true, opensCircuit: false),
            Failure(call: .stage, code: .outcomeUnknown, isCounted: true, opensCircuit: false),
            Failure(call: .stage, code: .outcomeUnknown, answers: false, isCounted: false, opensCircuit: true),
            Failure(call: .stage, code: .notSent, isCounted: false, opensCircuit: true),
            Failure(call: .stage, code: .unauthorized, isCounted: false, opensCircuit: true),
            Failure(call: .stage, code: .busy, isCounted: false, opensCircuit: true),
            Failure(call: .commit, code: .busy, isCounted: false, opensCircuit: true),
            Failure(call: .stage, code: .malformedAnswer, isCounted: false, opensCircuit: true),
            Failure(call: .stage, code: .uploadLost, isCounted: false, opensCircuit: false),
            Failure(call: .stage, code: .inputsUnreadable, isCounted: false, opensCircuit: false),
            Failure(call: .stage, code: .inputsMissing, isCounted: true, opensCircuit: false),
        ])
    func failures(failure: Failure) async throws {
        try await ControlRoom.with(nodes: Self.one()) { room in
            let node = room.nodes[0]
            node.set {
                $0.script[failure.call] = [.fail(failure.code)]
                if !failure.answers { $0.script[.load] = [.fail(.notSent)] }
            }
            let id = try await room.commit("t")
            try await room.until("it is given back") { try await room.attempts(id).first?.state == .ended }
            let record = try await room.read(id)
            #expect(record.failures == (failure.isCounted ? 1 : 0))
            #expect(record.passedOver == (failure.isCounted ? [node.name] : []))
            #expect(try await room.attempts(id).first?.isCounted == failure.isCounted)
            try await room.until("the circuit is told") {
                let state = room.fleet.member(node.name)?.circuit.state(at: room.now)
                return (state != .closed) == failure.opensCircuit
            }
            // Nothing is tried in a tight loop: without time passing there is no second try.
            #expect(record.notBefore != nil || failure.opensCircuit)
            try await room.until("it gets there in the end", stepping: .seconds(1)) {
                try await room.read(id).state == .placed
            }
            #expect(node.startCount == 1)
        }
    }

    @Test("counted failures pause the task for 5, 10, 20 and 40 s and fail it at the limit")
    func pauses() async throws {
        var settings = ControlRoom.Settings()
        settings.attempts = 5
        try await ControlRoom.with([], settings, nodes: Self.one()) { room in
            room.nodes[0].set { $0.script[.stage] = Array(repeating: .fail(.refused), count: 5) }
            let id = try await room.commit("t")
            for (failures, pause) in [(1, 5), (2, 10), (3, 20), (4, 40)] {
                try await room.until("failure \(failures)") { try await room.read(id).failures == failures }
                let ended = try #require(try await room.attempts(id).last?.endedAt)
                #expect(try await room.read(id).notBefore == ended + .seconds(pause))
                try await room.pass(.seconds(pause - 1))
                #expect(try await room.attempts(id).count == failures)
                try await room.until("the next try", stepping: .milliseconds(100)) {
                    try await room.attempts(id).count == failures + 1
                }
            }
            try await room.until("the end") { try await room.read(id).state == .failed }
            #expect(try await room.read(id).errorMessage == "scripted refused")
        }
    }

    @Test("a backend that refused a task is passed over until all others have too")
    func passesOver() async throws {
        try await ControlRoom.with(nodes: Self.two) { room in
            for node in room.nodes { node.set { $0.script[.stage] = [.fail(.refused)] } }
            let id = try await room.commit("t")
            try await room.until("it is placed", stepping: .milliseconds(500)) {
                try await room.read(id).state == .placed
            }
            let tried = try await room.attempts(id).map(\.backend.string)
            #expect(tried.count == 3)
            #expect(Set(tried.prefix(2)) == ["a", "b"])
        }
    }

    @Test("after a failure of the backend one task is tried, and the others wait for its end")
    func halfOpen() async throws {
        try await ControlRoom.with(nodes: Self.one(slots: 3)) { room in
            let node = room.nodes[0]
            node.set { $0.script[.stage] = [.fail(.notSent), .hang] }
            let first = try await room.commit("first")
            try await room.until("it failed") { try await room.attempts(first).first?.state == .ended }
            for name in ["second", "third"] { try await room.commit(name) }
            try await room.pass(.seconds(4))
            #expect(node.count(.stage) == 1)
            try await room.until("one is tried", stepping: .milliseconds(200)) { node.count(.stage) == 2 }
            try await room.pass(.seconds(20))
            #expect(node.count(.stage) == 2)
            node.thaw()
            // A pass during which time was turned seems a long one, and the next waits a little.
            try await room.until("all are there", stepping: .milliseconds(50)) { node.startCount == 3 }
        }
    }

    // MARK: Unknown outcomes

    @Test(
        "a lost answer to the commit is settled with one start",
        arguments: [ScriptedBackend.Step.loseAnswer, .fail(.outcomeUnknown), .fail(.malformedAnswer)])
    func lostCommit(step: ScriptedBackend.Step) async throws {
        try await ControlRoom.with(nodes: Self.one()) { room in
            room.nodes[0].set { $0.script[.commit] = [step] }
            let id = try await room.commit("t")
            try await room.until("it is placed", stepping: .seconds(1)) { try await room.read(id).state == .placed }
            #expect(room.nodes[0].startCount == 1)
            #expect(try await room.attempts(id).count == 1)
        }
    }

    @Test("a cancel during the commit leaves nothing running that nobody knows")
    func cancelDuringCommit() async throws {
        try await ControlRoom.with([.cleaner], nodes: Self.one()) { room in
            let node = room.nodes[0]
            node.set { $0.script[.commit] = [.hang] }
            let id = try await room.commit("t")
            try await room.until("the commit is under way") { node.count(.commit) == 1 }
            _ = try await room.store.requestCancel(id, for: .everything, at: room.now)
            await room.dispatcher.stop(id)
            #expect(try await room.read(id).shownCode == .canceled)
            node.thaw()
            try await room.until("it is over", stepping: .seconds(1)) { try await room.read(id).state == .canceled }
            let running = node.now.tasks.values.filter { !$0.code.isFinal }
            #expect(running.isEmpty)
        }
    }
}
