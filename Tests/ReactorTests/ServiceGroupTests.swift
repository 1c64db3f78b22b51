import Reactor
import Synchronization
import TestSupport
import Testing

@Suite("Service group")
struct ServiceGroupTests {
    private final class Diary: Sendable {
        let lines = Mutex<[String]>([])
        func note(_ line: String) { lines.withLock { $0.append(line) } }
    }

    private struct Worker: Service {
        let name: String
        let diary: Diary
        let loop: EventLoop
        func run() async throws {
            diary.note("start \(name)")
            defer { diary.note("end \(name)") }
            try await loop.sleep(for: .seconds(3600))
        }
    }

    private struct Failing: Service {
        struct Failure: Error {}
        let name = "failing"
        func run() async throws { throw Failure() }
    }

    @Test("services start in order and drain in reverse order")
    func order() async throws {
        let diary = Diary()
        try await LoopRunner.onLoop { loop in
            let services = ["a", "b", "c"].map { Worker(name: $0, diary: diary, loop: loop) }
            let group = ServiceGroup(services, on: loop)
            let running = Task(executorPreference: loop) { try await group.run() }
            while diary.lines.withLock({ $0.count }) < 3 { await loop.yieldToPoll() }
            running.cancel()
            try await running.value
        }
        #expect(diary.lines.withLock { $0 } == ["start a", "start b", "start c", "end c", "end b", "end a"])
    }

    @Test("a service that fails ends the others, and its error is the group's")
    func failure() async throws {
        let diary = Diary()
        try await LoopRunner.onLoop { loop in
            let group = ServiceGroup([Worker(name: "a", diary: diary, loop: loop), Failing()], on: loop)
            await #expect(throws: Failing.Failure.self) { try await group.run() }
        }
        #expect(diary.lines.withLock { $0 }.last == "end a")
    }
}
