import Model
import Record
import Synchronization
import TestSupport
import Testing

@Suite("Moves of tasks", .timeLimit(.minutes(5)))
struct TaskMoveTests {
    /// How many tasks there must be in each state, by the moves alone.
    private final class Balance: Sendable {
        private let moves = Mutex<[TaskMove]>([])

        func add(_ move: TaskMove) { moves.withLock { $0.append(move) } }
        var all: [TaskMove] { moves.withLock { $0 } }
        var states: [TaskState: Int] {
            var states: [TaskState: Int] = [:]
            for move in all {
                if let from = move.from { states[from, default: 0] -= 1 }
                if let to = move.to { states[to, default: 0] += 1 }
            }
            return states.filter { $0.value != 0 }
        }
    }

    @Test("whatever happens, the moves told add up to the states that tasks are in", arguments: ScratchDatabase.all)
    func addUp(scratch: ScratchDatabase) async throws {
        try await scratch.withDatabase { database async throws in
            let balance = Balance()
            let record = try await RoutingRecord(
                opening: database, random: SeededBits(1), observer: { balance.add($0) })
            let fixture = RecordFixture(record: record)
            let names = ["t0", "t1", "t2"]
            let life = RandomLife(fixture: fixture, random: SeededBits(7), names: names)
            for moment in 1...500 {
                let step = try await life.step(Int64(moment))
                var states: [TaskState: Int] = [:]
                for name in names {
                    guard let task = try await fixture.tasks.record(of: fixture.task(name)) else { continue }
                    states[task.state, default: 0] += 1
                }
                guard states == balance.states else {
                    Issue.record("step \(moment), \(step): \(states) but the moves say \(balance.states)")
                    return
                }
            }
            #expect(Set(balance.all.compactMap(\.to)) == Set(TaskState.allCases))
            #expect(balance.all.contains { $0.to == nil })
        }
    }

    @Test("a move says when the task was queued, and when its backend took it")
    func moments() async throws {
        try await ScratchDatabase.sqlite.withDatabase { database async throws in
            let balance = Balance()
            let record = try await RoutingRecord(
                opening: database, random: SeededBits(1), observer: { balance.add($0) })
            let fixture = RecordFixture(record: record)
            let key = try await fixture.placed("t")
            _ = try await fixture.tasks.finish(key, TaskEnd(code: .completed), at: fixture.at(9000))
            let moves = balance.all
            #expect(moves.map(\.to) == [.receiving, .queued, .dispatching, .placed, .completed])
            #expect(moves[2].queuedAt == fixture.at(0) && moves[2].backend == RecordFixture.fra)
            #expect(moves[4].acceptedAt == fixture.at(3) && moves[4].at == fixture.at(9000))
        }
    }

    @Test("a transition that is refused tells nothing")
    func refused() async throws {
        try await ScratchDatabase.sqlite.withDatabase { database async throws in
            let balance = Balance()
            let record = try await RoutingRecord(
                opening: database, random: SeededBits(1), observer: { balance.add($0) })
            let fixture = RecordFixture(record: record)
            let key = try await fixture.placed("t")
            let before = balance.all.count
            _ = try await fixture.tasks.markAccepted(key, at: fixture.at(9))
            _ = try await fixture.tasks.promote(key, at: fixture.at(9))
            #expect(balance.all.count == before)
        }
    }

    @Test("the census counts tasks by state and backend, and their stored inputs", arguments: ScratchDatabase.all)
    func census(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            #expect(try await fixture.tasks.tallies().isEmpty)
            #expect(try await fixture.tasks.uploadedBytes() == ByteCount(0))
            try await fixture.queued("waits")
            _ = try await fixture.placed("runs")
            _ = try await fixture.placed("runs-too")
            let id = try await fixture.create("arrives")
            _ = try await fixture.tasks.addFile(
                fixture.file("a.jpg", size: 77), to: id, for: .everything, at: fixture.at(0))
            let tallies = try await fixture.tasks.tallies()
            #expect(tallies.map(\.state) == [.placed, .queued, .receiving])
            #expect(tallies.map(\.tasks) == [2, 1, 1])
            #expect(tallies.map(\.backend) == [RecordFixture.fra, nil, nil])
            #expect(tallies.map(\.storedInputs) == [ByteCount(20), ByteCount(10), ByteCount(0)])
            #expect(try await fixture.tasks.uploadedBytes() == ByteCount(77))
            #expect(try await fixture.tasks.webhookBacklog() == 0)
        }
    }
}
