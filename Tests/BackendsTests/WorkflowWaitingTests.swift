import Model
import NodeODM
import Synchronization
import TestSupport
import Testing

@testable import Backends

@Suite("A workflow that is asked about before the first list has come", .timeLimit(.minutes(3)))
struct WorkflowWaitingTests {
    private static let objects = (0..<40).map { Workflows.object(name: "w\($0)", phase: "Running") }

    /// Answers all but the list.
    private static func answer(_ asked: ScriptedCluster.Asked, list: ScriptedCluster.Answer) -> ScriptedCluster.Answer {
        if asked.path.hasPrefix("/api/v1/workflow-events") { return .pieces([":\n"], thenWaits: true) }
        if asked.path.hasSuffix("/version") { return .json(200, .members(["version": .string("v4")])) }
        return asked.path.hasSuffix("/workflows/odm") ? list : .json(200, objects[0])
    }

    private static func singles(_ bench: ArgoBackendTests.Bench) -> Int {
        bench.cluster.asked.count { $0.path.hasPrefix("/api/v1/workflows/odm/") }
    }

    @Test("waits for it, as the load does, and costs no call of its own")
    func waits() async throws {
        try await ArgoBackendTests.bench(
            script: { asked, _ in Self.answer(asked, list: ScriptedCluster.list(Self.objects)) }, willBeWatched: true
        ) { bench in
            try await withThrowingTaskGroup(of: StatusCode.self) { group in
                for index in 0..<40 {
                    group.addTask {
                        try await bench.backend.status(of: BackendTaskID("w\(index)"), outputFrom: nil).status
                    }
                }
                async let load = bench.backend.load()
                // All of them ask before anybody watches.
                while bench.backend.watch.snapshot.withLock({ $0.waiting.count }) < 41 { await Task.yield() }
                #expect(bench.cluster.asked.isEmpty)
                let running = Task { await bench.backend.run() }
                for try await status in group { #expect(status == .queued) }
                let unfinished = try await load.unfinished
                #expect(unfinished == 40)
                running.cancel()
                await running.value
            }
            #expect(Self.singles(bench) == 0)
            #expect(bench.cluster.asked.count { $0.path.hasSuffix("/workflows/odm") } == 1)
        }
    }

    @Test("is read by itself where the list takes too long")
    func isBounded() async throws {
        try await ArgoBackendTests.bench(
            script: { asked, _ in Self.answer(asked, list: .silence) }, willBeWatched: true
        ) { bench in
            let running = Task { await bench.backend.run() }
            async let status = bench.backend.status(of: BackendTaskID("w0"), outputFrom: nil).status
            await bench.clock.untilSomebodySleeps()
            #expect(Self.singles(bench) == 0)
            bench.clock.advance(by: WorkflowWatch.longestWait)
            let known = try await status
            #expect(known == .queued && Self.singles(bench) == 1)
            running.cancel()
            await running.value
        }
    }

    @Test("is read by itself where lists are refused, and waits no more then")
    func isRefused() async throws {
        try await ArgoBackendTests.bench(
            script: { asked, _ in Self.answer(asked, list: ScriptedCluster.failure(403, code: 7, "no list")) },
            willBeWatched: true
        ) { bench in
            async let first = bench.backend.status(of: BackendTaskID("w0"), outputFrom: nil).status
            await bench.clock.untilSomebodySleeps()
            let running = Task { await bench.backend.run() }
            let known = try await first
            #expect(known == .queued)
            while bench.backend.watch.outage == nil { await Task.yield() }
            let again = try await bench.backend.status(of: BackendTaskID("w0"), outputFrom: nil).status
            #expect(again == .queued && Self.singles(bench) == 2)
            running.cancel()
            await running.value
        }
    }
}
