import Backends
import Model
import Reactor
import Record
import TestSupport
import Testing

@testable import Gateway

@Suite("Tasks of dead backends", .timeLimit(.minutes(5)))
struct FencingTests {
    private static let nodes: @Sendable (ManualClock) -> [ScriptedBackend] = {
        [ScriptedBackend("a", clock: $0), ScriptedBackend("b", clock: $0)]
    }

    /// A task on a node that falls silent for longer than dead_after, fenced and on its way to the other.
    private static func fenced(_ room: ControlRoom) async throws -> (TaskID, old: ScriptedBackend, new: ScriptedBackend)
    {
        let (id, old) = try await room.placed("t")
        let new = try #require(room.nodes.first { $0.name != old.name })
        old.set { $0.isSilent = true }
        try await room.until("it is given up", stepping: .seconds(1)) {
            try await room.events(id).contains(.fenced)
        }
        return (id, old, new)
    }

    @Test(
        "a task is started elsewhere, and the old copy is removed when its backend is back",
        arguments: ScratchDatabase.all)
    func startedElsewhere(scratch: ScratchDatabase) async throws {
        try await ControlRoom.with([.monitor, .cleaner, .mirror], on: scratch, nodes: Self.nodes) { room in
            let (id, old, new) = try await Self.fenced(room)
            try await room.until("it runs elsewhere", stepping: .milliseconds(100)) {
                let record = try await room.read(id)
                return record.state == .placed && record.attempt?.backend == new.name
            }
            #expect(try await room.read(id).failures == 0)
            #expect(old.now.tasks.count == 1)
            old.set { $0.isSilent = false }
            try await room.until("the old copy is removed", stepping: .milliseconds(500)) { old.now.tasks.isEmpty }
            #expect(try await room.read(id).attempt?.backend == new.name)
            let name = try await room.name(id)
            new.set { $0.tasks[name]?.code = .completed }
            try await room.until("it ends", stepping: .milliseconds(500)) {
                try await room.read(id).state == .completed
            }
        }
    }

    @Test(
        "a backend that returns before the new attempt is accepted goes on with the task",
        arguments: ScratchDatabase.all)
    func returnsInTime(scratch: ScratchDatabase) async throws {
        try await ControlRoom.with([.monitor, .cleaner, .mirror], on: scratch, nodes: Self.nodes) { room in
            for node in room.nodes { node.set { $0.script[.stage] = [] } }
            let (id, old) = try await room.placed("t")
            let new = try #require(room.nodes.first { $0.name != old.name })
            new.set { $0.script[.stage] = [.hang] }
            old.set { $0.isSilent = true }
            try await room.until("the new one is sent", stepping: .seconds(1)) { new.count(.stage) == 1 }
            old.set { $0.isSilent = false }
            try await room.until("the old one goes on", stepping: .milliseconds(500)) {
                try await room.events(id).contains(.adopted)
            }
            let record = try await room.read(id)
            #expect(record.state == .placed)
            #expect(record.attempt?.backend == old.name)
            try await room.until("the new one is discarded", stepping: .milliseconds(500)) { new.count(.discard) == 1 }
            #expect(new.startCount == 0 && old.startCount == 1)
            let name = try await room.name(id)
            old.set { $0.tasks[name]?.code = .completed }
            try await room.until("it ends", stepping: .milliseconds(500)) {
                try await room.read(id).state == .completed
            }
        }
    }

    @Test("an old copy that has completed is taken, and the younger one removed", arguments: ScratchDatabase.all)
    func completedMeanwhile(scratch: ScratchDatabase) async throws {
        try await ControlRoom.with([.monitor, .cleaner, .mirror], on: scratch, nodes: Self.nodes) { room in
            let (id, old, new) = try await Self.fenced(room)
            try await room.until("it runs elsewhere", stepping: .milliseconds(100)) {
                try await room.read(id).attempt?.state == .accepted && new.startCount == 1
            }
            old.set { state in
                for name in state.tasks.keys { state.tasks[name]?.code = .completed }
                state.isSilent = false
            }
            try await room.until("its end is taken", stepping: .milliseconds(500)) {
                try await room.read(id).state == .completed
            }
            #expect(try await room.read(id).attempt?.backend == old.name)
            try await room.until("the younger is removed", stepping: .milliseconds(500)) { new.now.tasks.isEmpty }
        }
    }

    enum Obstacle: CaseIterable {
        case noFreeSlot, nobodyElseReached, noDeadAfter, isCluster, needsProject, isCancelled
    }

    @Test("a task isn't given up", arguments: Obstacle.allCases)
    func stays(obstacle: Obstacle) async throws {
        var settings = ControlRoom.Settings()
        if obstacle == .noDeadAfter { settings.deadAfter = nil }
        try await ControlRoom.with([.monitor, .mirror], settings, nodes: Self.nodes) { room in
            if obstacle == .isCluster { for node in room.nodes { node.set { $0.isCluster = true } } }
            let (id, old) = try await room.placed("t")
            let other = try #require(room.nodes.first { $0.name != old.name })
            switch obstacle {
            case .noFreeSlot: other.set { $0.foreign = 1 }
            case .nobodyElseReached: other.set { $0.isSilent = true }
            case .noDeadAfter: break
            case .isCluster: room.fleet.change(old.name) { $0.load?.isCluster = true }
            case .needsProject:
                _ = try await room.store.requestCancel(id, for: .everything, at: room.now)
                _ = try await room.store.requestRestart(id, for: .everything, boundTo: old.name, at: room.now)
            case .isCancelled: _ = try await room.store.requestCancel(id, for: .everything, at: room.now)
            }
            old.set { $0.isSilent = true }
            try await room.until("it is offline", stepping: .seconds(1)) {
                room.fleet.member(old.name)?.failuresInARow ?? 0 >= 3
            }
            for _ in 0..<40 { try await room.pass(.seconds(30)) }
            #expect(try await !room.events(id).contains(.fenced))
            #expect(other.startCount == 0)
            if obstacle == .noFreeSlot {
                other.set { $0.foreign = 0 }
                try await room.until("it is given up when there is room", stepping: .seconds(1)) {
                    try await room.events(id).contains(.fenced)
                }
            }
        }
    }

    @Test(
        "what becomes of an old copy",
        arguments: [
            (StatusCode.running, false, ReturnedCopies.Verdict.adopt), (.queued, false, .adopt),
            (.completed, false, .adopt), (.failed, false, .adopt), (.completed, true, .adopt), (.running, true, .drop),
            (.failed, true, .drop), (nil, false, .drop), (nil, true, .drop),
        ] as [(StatusCode?, Bool, ReturnedCopies.Verdict)])
    func verdicts(code: StatusCode?, youngerIsAccepted: Bool, verdict: ReturnedCopies.Verdict) {
        #expect(ReturnedCopies.verdict(on: code, youngerIsAccepted: youngerIsAccepted) == verdict)
    }
}
