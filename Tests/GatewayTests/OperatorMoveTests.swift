import Backends
import Model
import Reactor
import Record
import Scheduling
import TestSupport
import Testing

@testable import Gateway

/// What an operator takes off a backend (rules: *Never twice*, a and c).
@Suite("Tasks that an operator moves", .timeLimit(.minutes(5)))
struct OperatorMoveTests {
    private static func nodes(
        _ names: String..., change: @escaping @Sendable (inout ScriptedBackend.State) -> Void = { _ in }
    ) -> @Sendable (ManualClock) -> [ScriptedBackend] {
        { clock in names.map { ScriptedBackend($0, clock: clock, change) } }
    }

    /// Runs of the task on all nodes that haven't ended.
    private static func running(_ room: ControlRoom) -> Int {
        room.nodes.reduce(0) { $0 + $1.now.tasks.values.count { !$0.code.isFinal } }
    }

    private static func refusal(_ moving: Dispatcher.Moving) -> String? {
        guard case .refused(let reason) = moving else { return nil }
        return reason
    }

    @Test("a run is ended, seen to have ended, and only then begun elsewhere", arguments: ScratchDatabase.all)
    func running(scratch: ScratchDatabase) async throws {
        try await ControlRoom.with(
            [.monitor, .cleaner, .mirror], on: scratch, nodes: Self.nodes("a", "b")
        ) { room in
            let (id, old) = try await room.placed("t")
            #expect(try await room.dispatcher.move(id, to: nil) == .begun)
            try await room.until("it runs elsewhere", stepping: .milliseconds(100)) {
                #expect(Self.running(room) <= 1)
                let record = try await room.read(id)
                return record.state == .placed && record.attempt?.backend != old.name
            }
            #expect(old.count(.cancel) == 1)
            try await room.until("the old copy is removed", stepping: .milliseconds(500)) { old.now.tasks.isEmpty }
            let attempts = try await room.attempts(id)
            #expect(attempts.map(\.outcome) == [.released, nil] && attempts.allSatisfy { !$0.isCounted })
            #expect(room.nodes.map(\.startCount) == [1, 1])
            #expect(try await room.read(id).failures == 0)
        }
    }

    @Test("that its backend has forgotten the task is no proof of its end: a minute later another may know it again")
    func forgotten() async throws {
        try await ControlRoom.with([.monitor, .cleaner, .mirror], nodes: Self.nodes("a", "b")) { room in
            let (id, old) = try await room.placed("t")
            let name = try await room.name(id)
            let kept = try #require(old.now.tasks[name])
            old.set { $0.tasks[name] = nil }
            #expect(try await room.dispatcher.move(id, to: nil) == .begun)
            try await room.pass(.seconds(60))
            #expect(try await room.read(id).state == .placed)
            #expect(room.nodes.map(\.startCount).reduce(0, +) == 1)
            old.set { $0.tasks[name] = kept }
            try await room.until("it runs elsewhere", stepping: .milliseconds(200)) {
                #expect(Self.running(room) <= 1)
                let record = try await room.read(id)
                return record.state == .placed && record.attempt?.backend != old.name
            }
        }
    }

    @Test("it goes to the backend that is named, and waits for its slot although another is free")
    func named() async throws {
        try await ControlRoom.with([.monitor, .cleaner, .mirror], nodes: Self.nodes("a", "b", "c")) { room in
            let (first, node) = try await room.placed("first")
            let (second, other) = try await room.placed("second")
            #expect(try await room.dispatcher.move(first, to: other.name) == .begun)
            try await room.until("it waits", stepping: .milliseconds(200)) {
                let record = try await room.read(first)
                return record.state == .queued && record.isWaiting
            }
            try await room.pass(.seconds(20))
            #expect(try await room.read(first).state == .queued)
            let running = try await room.name(second)
            other.set { $0.tasks[running]?.code = .completed }
            try await room.until("it runs there", stepping: .milliseconds(200)) {
                let record = try await room.read(first)
                return record.state == .placed && record.attempt?.backend == other.name
            }
            #expect(node.startCount == 1 && other.startCount == 2)
        }
    }

    @Test("where the named backend goes offline before its turn, the task goes where it can")
    func namedAndGone() async throws {
        try await ControlRoom.with([.cleaner], nodes: Self.nodes("a", "b")) { room in
            let (id, node) = try await room.placed("t")
            let other = try #require(room.nodes.first { $0.name != node.name })
            room.fleet.change(other.name) { $0.load?.unfinished = 1 }
            #expect(try await room.dispatcher.move(id, to: other.name) == .begun)
            try await room.until("it waits", stepping: .milliseconds(200)) { try await room.read(id).state == .queued }
            room.fleet.change(other.name) { $0.failuresInARow = 3 }
            room.parts.placement.wake()
            try await room.until("it runs again", stepping: .milliseconds(200)) {
                try await room.read(id).state == .placed
            }
            #expect(node.startCount == 2 && other.startCount == 0)
        }
    }

    @Test(
        "a run that ended by itself meanwhile isn't run again",
        arguments: [(StatusCode.completed, TaskState.completed), (.failed, .failed)])
    func endedMeanwhile(code: StatusCode, state: TaskState) async throws {
        try await ControlRoom.with([.cleaner, .mirror], nodes: Self.nodes("a", "b")) { room in
            let (id, node) = try await room.placed("t")
            let name = try await room.name(id)
            // The gateway hasn't heard of it yet when it is asked for the move.
            node.set { $0.tasks[name]?.code = code }
            let moving = try await room.dispatcher.move(id, to: nil)
            #expect(
                moving == .begun || moving == .refused("The task is over: it is \(state.rawValue).")
            )
            try await room.until("its end is taken", stepping: .milliseconds(100)) {
                try await room.read(id).state == state
            }
            try await room.pass(.seconds(20))
            #expect(try await room.attempts(id).count == 1)
            #expect(room.nodes.map(\.startCount).reduce(0, +) == 1 && node.count(.cancel) == 0)
        }
    }

    @Test("of a move and an end at once one comes first: the task is over, or begins anew once the run was ended")
    func moveAndEnd() async throws {
        for number in 0..<6 {
            try await ControlRoom.with([.cleaner, .mirror], nodes: Self.nodes("a", "b")) { room in
                let (id, node) = try await room.placed("t\(number)")
                let name = try await room.name(id)
                async let moving = room.dispatcher.move(id, to: nil)
                node.set { if $0.tasks[name]?.code == .running { $0.tasks[name]?.code = .completed } }
                room.clock.advance(by: .seconds(1))
                _ = try await moving
                try await room.until("it is over, or runs elsewhere", stepping: .milliseconds(100)) {
                    let record = try await room.read(id)
                    return record.state == .completed
                        || record.state == .placed && record.attempt?.backend != node.name
                }
                #expect(Self.running(room) <= 1)
            }
        }
    }

    @Test("inputs on their way are stopped and go elsewhere, uncounted, and their area is discarded")
    func sending() async throws {
        let nodes: @Sendable (ManualClock) -> [ScriptedBackend] = { clock in
            [
                ScriptedBackend("a", clock: clock) { $0.script[.stage] = [.hang] },
                ScriptedBackend("b", slots: 0, clock: clock),
            ]
        }
        try await ControlRoom.with([.monitor, .cleaner], nodes: nodes) { room in
            let (first, other) = (room.nodes[0], room.nodes[1])
            let id = try await room.commit("t")
            try await room.until("it is sent") { first.count(.stage) == 1 }
            #expect(
                Self.refusal(try await room.dispatcher.move(id, to: other.name)) == nil, "it may wait for a slot there")
            other.set { $0.slots = 1 }
            try await room.until("it runs there", stepping: .milliseconds(200)) {
                let record = try await room.read(id)
                return record.state == .placed && record.attempt?.backend == other.name
            }
            try await room.until("the area is discarded", stepping: .milliseconds(500)) { first.count(.discard) == 1 }
            #expect(first.startCount == 0 && other.startCount == 1)
            #expect(try await room.read(id).failures == 0)
        }
    }

    @Test("inputs that were sent ahead are taken back")
    func prefetched() async throws {
        var settings = ControlRoom.Settings()
        settings.prefetch = 1
        let nodes: @Sendable (ManualClock) -> [ScriptedBackend] = { clock in
            [ScriptedBackend("a", clock: clock), ScriptedBackend("b", clock: clock) { $0.foreign = 1 }]
        }
        try await ControlRoom.with([.monitor, .cleaner], settings, nodes: nodes) { room in
            let (_, node) = try await room.placed("first")
            let second = try await room.commit("second")
            try await room.until("its inputs are there", stepping: .milliseconds(50)) { node.now.areas.count == 1 }
            let other = try #require(room.nodes.first { $0.name != node.name })
            #expect(try await room.dispatcher.move(second, to: other.name) == .begun)
            other.set { $0.foreign = 0 }
            try await room.until("it runs elsewhere", stepping: .milliseconds(200)) {
                try await room.read(second).attempt?.backend == other.name
            }
            try await room.until("the area is discarded", stepping: .milliseconds(500)) { node.now.areas.isEmpty }
        }
    }

    @Test("a move whose record's answer was lost is carried out all the same")
    func lostAnswer() async throws {
        try await ControlRoom.with([.monitor, .cleaner, .mirror], nodes: Self.nodes("a", "b")) { room in
            let (id, old) = try await room.placed("t")
            room.database.loseAnswer(to: "attempt.move")
            await #expect(throws: RecordError.self) { try await room.dispatcher.move(id, to: nil) }
            try await room.until("it runs elsewhere", stepping: .milliseconds(200)) {
                let record = try await room.read(id)
                return record.state == .placed && record.attempt?.backend != old.name
            }
            #expect(Self.running(room) == 1)
        }
    }

    @Test("what can't be moved is refused with the reason, and goes on")
    func refused() async throws {
        try await ControlRoom.with([.cleaner], nodes: Self.nodes("a", "b")) { room in
            let (id, node) = try await room.placed("t")
            let other = try #require(room.nodes.first { $0.name != node.name })
            let missing = try #require(TaskID("missing"))
            #expect(try await room.dispatcher.move(missing, to: nil) == .unknown)
            let nowhere = BackendName(recorded: "nowhere")
            #expect(try await Self.refusal(room.dispatcher.move(id, to: nowhere)) == "There is no backend nowhere.")
            #expect(
                try await Self.refusal(room.dispatcher.move(id, to: node.name))
                    == "The task is on \(node.name) already.")
            room.fleet.change(other.name) { $0.switches.isLocked = true }
            #expect(
                try await Self.refusal(room.dispatcher.move(id, to: nil))
                    == "No other backend can take the task: \(other.name) is locked.")
            #expect(
                try await Self.refusal(room.dispatcher.move(id, to: other.name))
                    == "The task can't go there: \(other.name) is locked.")
            let waiting = try await room.commit("waiting")
            #expect(try await Self.refusal(room.dispatcher.move(waiting, to: nil))?.contains("name the one") == true)
            room.fleet.change(other.name) { $0.switches.isLocked = false }
            room.fleet.change(node.name) { $0.failuresInARow = 3 }
            let silent = try await Self.refusal(room.dispatcher.move(id, to: nil))
            #expect(silent?.contains("scaleodm backends evacuate \(node.name)") == true, "\(silent ?? "")")
            #expect(try await room.attempts(id).first?.isMoving == false)
            #expect(node.startCount == 1 && node.count(.cancel) == 0)
        }
    }

    @Test("a task that waits goes where it is wanted")
    func waiting() async throws {
        try await ControlRoom.with([.monitor], nodes: Self.nodes("a", "b")) { room in
            for node in room.nodes { room.fleet.change(node.name) { $0.load?.unfinished = 1 } }
            for node in room.nodes { node.set { $0.foreign = 1 } }
            let id = try await room.commit("t")
            try await room.until("it waits") { try await room.read(id).isWaiting }
            #expect(try await room.dispatcher.move(id, to: room.nodes[1].name) == .begun)
            room.nodes[0].set { $0.foreign = 0 }
            try await room.pass(.seconds(20))
            #expect(try await room.read(id).state == .queued)
            let line = try await room.dispatcher.waitingLine(limit: 10)
            #expect(line.count == 1 && line.tasks.first?.reason.contains("an operator moved it") == true)
            room.nodes[1].set { $0.foreign = 0 }
            try await room.until("it runs there", stepping: .milliseconds(200)) {
                let record = try await room.read(id)
                return record.state == .placed && record.attempt?.backend == room.nodes[1].name
            }
        }
    }

    @Test("of two releases of a held task at once one is done")
    func twoReleases() async throws {
        let nodes = Self.nodes("a") {
            $0.choosesNames = true
            $0.script[.commit] = [.fail(.outcomeUnknown)]
        }
        try await ControlRoom.with(nodes: nodes) { room in
            let id = try await room.commit("t")
            try await room.until("it is held") { try await room.read(id).attempt?.isHeld == true }
            #expect(try await Self.refusal(room.dispatcher.move(id, to: nil)) != nil)
            async let first = room.dispatcher.release(id)
            async let second = room.dispatcher.release(id)
            let outcomes = [try await first, try await second]
            #expect(outcomes.count { $0 == .queued(failures: 0) } == 1 && outcomes.count { $0 == .lost } == 1)
            try await room.until("it runs", stepping: .milliseconds(100)) { try await room.read(id).state == .placed }
            #expect(room.nodes[0].startCount == 1)
        }
    }

    // MARK: Replicas

    @Test("what another gateway sends only that one stops; what runs any gateway moves")
    func replicas() async throws {
        let nodes: @Sendable (ManualClock) -> [ScriptedBackend] = { clock in
            ["fra", "nyc"].map { ScriptedBackend($0, clock: clock) { $0.script[.stage] = [.hang] } }
        }
        try await ReplicaWorld.with(nodes: nodes) { world in
            let id = try await world.a.room.commit("t")
            try await world.until("it is sent") { world.nodes.contains { $0.count(.stage) == 1 } }
            let node = try #require(world.nodes.first { $0.count(.stage) == 1 })
            let refused = try await world.b.room.dispatcher.move(id, to: nil)
            #expect(Self.refusal(refused)?.contains("Another gateway") == true)
            for node in world.nodes { node.set { $0.script = [:] } }
            node.thaw()
            try await world.until("it runs") { try await world.b.room.read(id).state == .placed }
            try await world.until("the other gateway knows", stepping: .milliseconds(100)) {
                world.b.room.parts.mirror.task(id)?.record.state == .placed
            }
            #expect(try await world.b.room.dispatcher.move(id, to: nil) == .begun)
            try await world.until("it runs elsewhere", stepping: .milliseconds(100)) {
                #expect(Self.running(world.a.room) <= 1)
                let record = try await world.a.room.read(id)
                return record.state == .placed && record.attempt?.backend != node.name
            }
            #expect(world.nodes.map(\.startCount) == [1, 1])
        }
    }

    @Test("every gateway tells the same of the queue, and of where a task would go")
    func sameAnswers() async throws {
        let nodes: @Sendable (ManualClock) -> [ScriptedBackend] = { clock in
            ["fra", "nyc"].map { ScriptedBackend($0, clock: clock) { $0.script[.stage] = [.hang] } }
        }
        try await ReplicaWorld.with(nodes: nodes) { world in
            for number in 0..<4 { try await world.a.room.commit("t\(number)") }
            try await world.until("two are sent, and two wait") {
                let waiting = try await world.a.room.dispatcher.waitingLine(limit: 10).count
                return waiting == 2 && world.nodes.allSatisfy { $0.count(.stage) == 1 }
            }
            let lines = [
                try await world.a.room.dispatcher.waitingLine(limit: 10),
                try await world.b.room.dispatcher.waitingLine(limit: 10),
            ]
            #expect(lines[0].tasks.map(\.id) == lines[1].tasks.map(\.id))
            #expect(lines.allSatisfy { $0.tasks.allSatisfy { $0.reason.contains("has its one slot in use") } })
            for gateway in [world.a, world.b] {
                let ranking = try await gateway.room.dispatcher.rank(images: 5, size: 50, options: [], labels: [:])
                #expect(ranking.placement == nil)
                #expect(ranking.candidates.map(\.reasons) == [[.full(slots: 1)], [.full(slots: 1)]])
            }
            for node in world.nodes { node.thaw() }
        }
    }
}
