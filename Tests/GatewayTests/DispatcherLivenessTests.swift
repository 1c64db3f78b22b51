import Backends
import Model
import Reactor
import Record
import Scheduling
import TestSupport
import Testing

@testable import Gateway

@Suite("Dispatcher: nothing is left unused, and nothing turns idly", .timeLimit(.minutes(5)))
struct DispatcherLivenessTests {
    private static let one: @Sendable (ManualClock) -> [ScriptedBackend] = { [ScriptedBackend("a", clock: $0)] }

    @Test("a backend that failed is out of the choice before its task is back in the queue")
    func circuitBeforeRelease() async throws {
        try await ControlRoom.with(nodes: Self.one) { room in
            let node = room.nodes[0]
            node.set { $0.script[.stage] = [.fail(.notSent)] }
            let (seen, report) = AsyncStream.makeStream(of: CircuitBreaker.State?.self)
            room.database.afterwards("task.requeue") {
                report.yield(room.fleet.member(node.name)?.circuit.state(at: room.now))
            }
            try await room.commit("t")
            var states = seen.makeAsyncIterator()
            let state = try #require(await states.next())
            #expect(state == .open(until: room.now + .seconds(5)))
        }
    }

    @Test("a task that waits tells why it waits now, not why it began to wait")
    func presentReason() async throws {
        try await ControlRoom.with(nodes: Self.one) { room in
            let node = room.nodes[0]
            node.set { $0.foreign = 1 }
            room.fleet.change(node.name) { $0.load?.unfinished = 1 }
            let id = try await room.commit("t")
            try await room.until("it waits") { try await room.read(id).isWaiting }
            #expect(await room.dispatcher.waitingReason(of: id) == "a has its one slot in use")
            room.fleet.change(node.name) { $0.switches.isLocked = true }
            room.parts.placement.wake()
            try await room.until("it tells of the lock") {
                await room.dispatcher.waitingReason(of: id) == "a is locked"
            }
        }
    }

    @Test("while tasks wait for a moment to come, no pass follows the other")
    func noIdleTurning() async throws {
        try await ControlRoom.with(nodes: Self.one) { room in
            let node = room.nodes[0]
            node.set { $0.script[.stage] = [.fail(.notSent)] }
            let id = try await room.commit("t")
            try await room.until("it is given back") { try await room.attempts(id).first?.state == .ended }
            // Each of these passes names the same moment as the one before.
            for _ in 0..<5 {
                let before = room.database.statements
                room.parts.placement.wake()
                try await room.until("there was a pass") { room.database.statements > before }
            }
            var (quiet, before) = (0, room.database.statements)
            for _ in 0..<200 where quiet < 10 {
                try await Task.sleep(for: .milliseconds(5))
                quiet = room.database.statements == before ? quiet + 1 : 0
                before = room.database.statements
            }
            #expect(quiet == 10)
            try await room.until("it is tried at that moment", stepping: .milliseconds(500)) { node.startCount == 1 }
        }
    }

    @Test("an earlier moment isn't forgotten for a later one")
    func earliestAlarm() async throws {
        try await ControlRoom.with(nodes: Self.one) { room in
            await room.dispatcher.wake(after: .seconds(2))
            await room.dispatcher.wake(after: .seconds(3600))
            let before = room.database.statements
            try await room.until("there is a pass", stepping: .milliseconds(100)) { room.database.statements > before }
            #expect(room.clock.monotonic() < MonotonicTime(nanoseconds: 0) + .seconds(3600))
        }
    }

    @Test("inputs sent ahead aren't the one try that a backend which failed is given: it would never get another")
    func prefetchIsNoProbe() async throws {
        var settings = ControlRoom.Settings()
        settings.prefetch = 1
        try await ControlRoom.with([.mirror], settings, nodes: Self.one) { room in
            let (first, node) = try await room.placed("first")
            // It fails while the attempt is being recorded, and its pause is over before the inputs leave.
            room.database.afterwards("attempt.insert") {
                room.fleet.change(node.name) { $0.circuit.fail(at: room.now) }
                room.clock.advance(by: .seconds(6))
            }
            let second = try await room.commit("second")
            try await room.until("its inputs are there") { node.now.areas.count == 1 }
            let running = try await room.name(first)
            node.set { $0.tasks[running]?.code = .completed }
            try await room.until("it is placed", stepping: .milliseconds(200)) {
                try await room.read(second).state == .placed
            }
            try await room.until("that closed the circuit") {
                room.fleet.member(node.name)?.circuit.state(at: room.now) == .closed
            }
        }
    }
}
