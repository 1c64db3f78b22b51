import HTTPClient
import Model
import NodeODM
import Reactor
import Synchronization
import TestSupport
import Testing

@testable import Backends

@Suite("What is known of a cluster's workflows", .timeLimit(.minutes(3)))
struct WorkflowWatchTests {
    private let start = SystemClock().monotonic()
    private func at(_ seconds: Int64) -> MonotonicTime { start + .seconds(seconds) }

    private func workflow(_ name: String = "w", phase: String = "Running", version: Int, uid: String = "u") throws
        -> WorkflowObject
    {
        try #require(
            WorkflowObject(json: Workflows.object(name: name, phase: phase, version: "\(version)", uid: uid)))
    }

    @Test("a list that was made before a deletion, and arrives after it, brings nothing back")
    func lateList() throws {
        var known = WorkflowWatch.Snapshot()
        known.show(try workflow(version: 5), at: at(0))
        // The list is asked for, the deletion is told, the list arrives.
        known.end(try workflow(version: 9), at: at(2))
        known.show(try workflow(version: 7), at: at(3))
        known.keep(["w"], askedAt: at(1), at: at(3))
        #expect(known.workflows.isEmpty && known.over["w"] != nil)
        // Another one of the name is another one, and so is this one should somebody have Argo try it again.
        known.show(try workflow(version: 8, uid: "other"), at: at(4))
        #expect(known.workflows["w"]?.uid == "other")
        known.end(try workflow(version: 10), at: at(5))
        known.show(try workflow(version: 12), at: at(6))
        #expect(known.workflows["w"]?.resourceVersion == "12")
    }

    @Test("the answer to a create that arrives after the run's end brings nothing back")
    func lateAnswer() throws {
        var known = WorkflowWatch.Snapshot()
        known.show(try workflow(phase: "Pending", version: 3), at: at(0))
        known.show(try workflow(phase: "Succeeded", version: 8), at: at(1))
        known.take(try workflow(phase: "", version: 2), at: at(2))
        #expect(known.workflows.isEmpty && known.over["w"] != nil)
    }

    @Test("what was created while a list was under way isn't missing for it")
    func youngerThanTheList() throws {
        var known = WorkflowWatch.Snapshot()
        known.show(try workflow("old", version: 1), at: at(0))
        known.take(try workflow("created", version: 4), at: at(1))
        known.take(try workflow("young", version: 5), at: at(3))
        known.keep([], askedAt: at(2), at: at(4))
        #expect(Array(known.workflows.keys) == ["young"])
        // One that a list has shown and the next lacks has ended; one that none has shown yet may be on its way into it.
        #expect(Set(known.over.keys) == ["old"])
    }

    @Test("a server that accepts and doesn't answer is noticed by a question of its own, and nothing is sent to it")
    func hangs() async throws {
        let isSilent = Mutex(false)
        try await ArgoBackendTests.bench(script: { asked, _ in
            if isSilent.withLock({ $0 }) { return .silence }
            if asked.path.hasPrefix("/api/v1/workflow-events") { return .pieces([":\n"], thenWaits: true) }
            if asked.path.hasSuffix("/version") { return .json(200, .members(["version": .string("v4")])) }
            return ScriptedCluster.list([Workflows.object(name: "w1", phase: "Running")])
        }) { bench in
            let running = Task { await bench.backend.run() }
            while bench.backend.watch.fresh == nil { await Task.yield() }
            try await bench.backend.stage(bench.attempt, bench.submission)
            isSilent.withLock { $0 = true }
            // Its watch is quiet, as it was before.
            while bench.backend.watch.outage == nil {
                bench.clock.advance(by: .seconds(1))
                try await Task.sleep(for: .milliseconds(50))
            }
            let code = await ArgoBackendTests.code { try await bench.backend.commit(bench.attempt) }
            #expect(code == .notSent)
            #expect(!bench.cluster.asked.contains { $0.method == "POST" })
            let load = await ArgoBackendTests.code { _ = try await bench.backend.load() }
            #expect(load == .outcomeUnknown)
            running.cancel()
            await running.value
        }
    }

    @Test("a proxy's own answer to /version says nothing of the cluster", arguments: [200, 404, 405, 502])
    func foreignVersion(status: Int) async throws {
        try await ArgoBackendTests.bench(script: { asked, _ in
            if asked.path.hasSuffix("/version") { return .text(status, "<html>sign in</html>", type: "text/html") }
            if asked.path.hasPrefix("/api/v1/workflow-events") { return .pieces([":\n"], thenWaits: true) }
            return ScriptedCluster.list([Workflows.object(name: "w1", phase: "Running")])
        }) { bench in
            let running = Task { await bench.backend.run() }
            while bench.backend.watch.fresh == nil, bench.backend.watch.outage == nil { await Task.yield() }
            #expect(bench.backend.watch.outage == nil)
            _ = try await bench.backend.load()
            running.cancel()
            await running.value
        }
    }

    @Test("a run that was over before its create was answered holds no slot")
    func shortRun() async throws {
        try await ArgoBackendTests.bench(script: { asked, _ in
            if asked.path.hasPrefix("/api/v1/workflow-events") {
                // All of its life, told before the create is answered.
                let lines = ["Running", "Succeeded"].enumerated().map { index, phase in
                    let object = Workflows.object(phase: phase, version: "\(10 + index)")
                    let event = JSONValue.members([
                        "result": .members(["type": .string("MODIFIED"), "object": object])
                    ])
                    return "data: \(String(decoding: event.encoded, as: UTF8.self))\n\n"
                }
                return .pieces(lines, thenWaits: true)
            }
            if asked.method == "POST" { return .json(200, Workflows.object(phase: nil, version: "9")) }
            return ScriptedCluster.list([])
        }) { bench in
            let running = Task { await bench.backend.run() }
            while !bench.backend.watch.isOver(bench.task.workflow.string) { await Task.yield() }
            try await bench.backend.stage(bench.attempt, bench.submission)
            try await bench.backend.commit(bench.attempt)
            let load = try await bench.backend.load()
            #expect(load.unfinished == 0)
            running.cancel()
            await running.value
        }
    }

    @Test("all that carries the installation's label is listed by names alone", arguments: ArgoConnection.API.allCases)
    func marked(api: ArgoConnection.API) async throws {
        let objects = [
            Workflows.object(name: "w1", phase: "Running"), Workflows.object(name: "w2", phase: "Succeeded"),
            Workflows.object(name: "f1", phase: "Running", gateway: "another"),
        ]
        try await ScriptedCluster.run(api: api) { asked, _ in
            ScriptedCluster.list(objects)
        } _: { cluster, client in
            let backend = ArgoBackend(
                name: try #require(BackendName("fra")), settings: ArgoBackendSettings(gateway: Fixtures.gateway),
                client: client)
            let runs = try await backend.markedRuns()
            #expect(runs.map(\.name.string) == ["w1", "w2"] && runs.allSatisfy { $0.createdAt != nil })
            let asked = try #require(cluster.asked.first)
            #expect(asked.has("odm-gateway%2Fgateway") && !asked.has("completed"))
            switch api {
            case .argoServer: #expect(!asked.has("status.nodes"))
            case .kubernetes: #expect(asked.field("Accept")?.hasPrefix("application/json;as=Partial") == true)
            }
        }
    }
}
