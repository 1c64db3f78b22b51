import Backends
import Model
import Reactor
import Record
import TestSupport
import Testing

@testable import Gateway

@Suite("Cleaner and monitor", .timeLimit(.minutes(5)))
struct CleanerTests {
    private static let nodes: @Sendable (ManualClock) -> [ScriptedBackend] = {
        [ScriptedBackend("a", clock: $0), ScriptedBackend("b", clock: $0)]
    }

    @Test("what a frozen node is owed holds up nobody else's work")
    func frozen() async throws {
        try await ControlRoom.with([.cleaner], nodes: Self.nodes) { room in
            let (first, frozen) = try await room.placed("first")
            let (second, well) = try await room.placed("second")
            try #require(frozen.name != well.name)
            frozen.set { $0.isFrozen = true }
            for id in [first, second] { _ = try await room.store.requestRemove(id, for: .everything, at: room.now) }
            room.parts.cleaning.wake()
            try await room.until("the other's is removed", stepping: .milliseconds(200)) { well.now.tasks.isEmpty }
            #expect(frozen.now.tasks.count == 1)
            frozen.thaw()
            try await room.until("its own too", stepping: .milliseconds(500)) { frozen.now.tasks.isEmpty }
        }
    }

    @Test("a commit that nobody heard of is waited for after a remove, and what it made is removed")
    func lateCopy() async throws {
        try await ControlRoom.with([.cleaner], nodes: Self.nodes) { room in
            let node = room.nodes[0]
            let late = BackendTaskID("late")
            try await room.record.cleanups.add(
                .remove, of: late, on: node.name, task: try #require(TaskID("t")), isUnsure: true, at: room.now)
            try await room.until("it is looked for", stepping: .milliseconds(500)) { node.count(.remove) >= 2 }
            node.set { $0.tasks["late"] = .init() }
            try await room.until("it is removed", stepping: .seconds(1)) { node.now.tasks.isEmpty }
            try await room.until("nothing is left to do", stepping: .seconds(1)) {
                try await room.record.cleanups.counts().isEmpty
            }
        }
    }

    @Test("what one of two commits made is removed, and what the other makes later too")
    func twoCommits() async throws {
        try await ControlRoom.with([.cleaner], nodes: Self.nodes) { room in
            let node = room.nodes[0]
            node.set { $0.tasks["late"] = .init() }
            try await room.record.cleanups.add(
                .remove, of: BackendTaskID("late"), on: node.name, task: try #require(TaskID("t")), isUnsure: true,
                at: room.now)
            try await room.until("it is removed", stepping: .milliseconds(500)) { node.now.tasks.isEmpty }
            node.set { $0.tasks["late"] = .init() }
            try await room.until("it is removed again", stepping: .seconds(1)) { node.now.tasks.isEmpty }
            try await room.until("nothing is left to do", stepping: .seconds(1)) {
                try await room.record.cleanups.counts().isEmpty
            }
        }
    }

    @Test("a cancel is told until it is seen true, also when the node was away")
    func cancel() async throws {
        try await ControlRoom.with([.cleaner], nodes: Self.nodes) { room in
            let (id, node) = try await room.placed("t")
            node.set { $0.isSilent = true }
            _ = try await room.store.requestCancel(id, for: .everything, at: room.now)
            try await room.until("it is tried", stepping: .milliseconds(500)) { node.count(.cancel) >= 2 }
            #expect(try await room.read(id).state == .placed)
            #expect(try await room.read(id).shownCode == .canceled)
            node.set { $0.isSilent = false }
            try await room.until("it is over", stepping: .milliseconds(500)) {
                try await room.read(id).state == .canceled
            }
        }
    }

    @Test("silence counts only while another is reached, and ends with any answer")
    func silence() async throws {
        try await ControlRoom.with([.monitor], nodes: Self.nodes) { room in
            let (a, b) = (room.nodes[0], room.nodes[1])
            let silence = { room.fleet.member(a.name)?.silence ?? .zero }
            // Both are read each five seconds; time doesn't run away from who is late.
            let read = { (rounds: Int) in
                for _ in 0..<rounds {
                    let before = (a.count(.load), b.count(.load))
                    room.clock.advance(by: .seconds(5))
                    try await room.until("both are read", stepping: .milliseconds(20)) {
                        a.count(.load) > before.0 && b.count(.load) > before.1
                    }
                }
            }
            try await read(2)
            a.set { $0.isSilent = true }
            b.set { $0.isSilent = true }
            try await read(3)
            try await room.until("both are offline", stepping: .milliseconds(20)) {
                room.fleet.members.allSatisfy { !$0.isOnline(offlineAfter: 3) }
            }
            let alone = silence()
            #expect(alone <= .seconds(30))
            try await read(60)
            #expect(silence() == alone)
            b.set { $0.isSilent = false }
            try await read(14)
            try await room.until("it counts", stepping: .milliseconds(20)) { silence() > alone + .seconds(60) }
            a.set {
                $0.isSilent = false
                $0.script[.load] = [.fail(.unauthorized)]
            }
            try await room.until("a refused token is an answer", stepping: .seconds(1)) { silence() == .zero }
            try await room.until("it is online", stepping: .seconds(1)) {
                room.fleet.member(a.name)?.isOnline(offlineAfter: 3) == true
            }
        }
    }
}
