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
            try await room.until("all are there") { node.startCount == 3 }
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

    // MARK: Prefetch

    @Test("inputs are sent ahead to a busy node, and committed there when its slot is free")
    func prefetch() async throws {
        var settings = ControlRoom.Settings()
        settings.prefetch = 1
        try await ControlRoom.with([.mirror, .monitor], settings, nodes: Self.one()) { room in
            let (first, node) = try await room.placed("first")
            let second = try await room.commit("second")
            try await room.until("its inputs are there", stepping: .milliseconds(50)) { node.now.areas.count == 1 }
            #expect(try await room.read(second).state == .queued)
            let running = try await room.name(first)
            node.set { $0.tasks[running]?.code = .completed }
            try await room.until("it is placed", stepping: .milliseconds(200)) {
                try await room.read(second).state == .placed
            }
            #expect(try await room.attempts(second).count == 1)
            #expect(node.count(.stage) == 2)
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

    // MARK: Where tasks may go

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

    // MARK: Restarts that need a project

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

    @Test("the owner of a project is found where it says so itself")
    func projectOwner() async throws {
        try await ControlRoom.with(nodes: Self.two) { room in
            let (id, node) = try await room.completed("t")
            let owner = ProjectOwner(store: room.store, fleet: room.fleet, clock: room.clock)
            #expect(try await owner.find(for: id) == node.name)
            room.fleet.change(node.name) { $0.failuresInARow = 3 }
            #expect(try await owner.find(for: id) == nil)
            room.fleet.change(node.name) { $0.failuresInARow = 0 }
            node.set { $0.isFrozen = true }
            async let asked = owner.find(for: id)
            try await room.until("it is asked", stepping: .seconds(1)) { node.now.hanging.count == 1 }
            room.clock.advance(by: .seconds(6))
            #expect(try await asked == nil)
            node.thaw()
            node.set { $0.tasks = [:] }
            #expect(try await owner.find(for: id) == nil)
        }
    }
}
