import Model
import NodeODM
import Reactor
import Testing

@testable import Backends

@Suite("The Argo backend before a simulated cluster", .enabled(if: SimulatedArgo.isThere), .serialized)
struct SimulatedArgoTests {
    private static let console = (0..<60).map { "line \($0)" }

    /// A backend with one task, and the questions that the gateway asks.
    struct Bench: Sendable {
        let backend: ArgoBackend
        let attempt: Attempt
        let submission: TaskSubmission

        init(_ client: ArgoClient, attempt number: Int = 1) throws {
            let name = try #require(BackendName("fra"))
            var settings = ArgoBackendSettings(gateway: Fixtures.gateway)
            settings.slots = 20
            settings.createFence = .milliseconds(300)
            backend = ArgoBackend(name: name, settings: settings, client: client)
            let task = try Fixtures.task(attempt: number)
            attempt = Attempt(
                task: task.task, number: number, backend: name, backendTask: task.workflow, state: .recorded)
            var submission = TaskSubmission(
                name: "x", options: [], skipsPostProcessing: false, outputs: nil,
                dateCreated: Timestamp(milliseconds: 0), inputs: [])
            submission.objects = ObjectSubmission(
                input: task.input, output: task.output, images: 3, bytes: .mebibytes(30))
            self.submission = submission
        }

        var workflow: BackendTaskID { attempt.backendTask }

        func start() async throws {
            try await backend.stage(attempt, submission)
            try await backend.commit(attempt)
        }

        /// Asks as the mirror does, each time from the last line that it has, until the task has ended.
        func followed() async throws -> (info: TaskInfo, lines: [String]) {
            var lines: [String] = []
            for _ in 0..<600 {
                let info: TaskInfo
                do { info = try await backend.status(of: workflow, outputFrom: max(0, lines.count - 1)) } catch {
                    try await SystemClock().sleep(for: .milliseconds(50))
                    continue
                }
                if !lines.isEmpty { #expect(info.output?.first ?? lines.last == lines.last) }
                lines += (info.output ?? []).dropFirst(lines.isEmpty ? 0 : 1)
                if info.status.isFinal { return (info, lines) }
                try await SystemClock().sleep(for: .milliseconds(50))
            }
            Issue.record("the task didn't end")
            throw SimulatedArgo.SimulatorFailure()
        }
    }

    private static func plan(_ pods: String) -> String {
        #"{"name":"*","pods":[\#(pods)]}"#
    }

    private static var lines: String { "[" + console.map { "\"\($0)\"" }.joined(separator: ",") + "]" }

    @Test(
        "a task runs to its end with a whole console, and is gone when it's removed",
        arguments: ArgoConnection.API.allCases)
    func life(api: ArgoConnection.API) async throws {
        try await SimulatedArgo.run(api: api) { cluster, client in
            try await cluster.sim("script", Self.plan(#"{"seconds":0.6,"lines":\#(Self.lines)}"#))
            _ = try await client.probe()
            let bench = try Bench(client)
            try await bench.start()
            let (info, lines) = try await bench.followed()
            #expect(info.status == .completed && info.progress == 100 && info.processingTime >= 0)
            #expect(lines == Self.console)
            let load = try await bench.backend.load()
            #expect(load.unfinished <= 1)
            try await bench.backend.remove(bench.workflow)
            #expect(
                await ArgoBackendTests.code { _ = try await bench.backend.status(of: bench.workflow, outputFrom: nil) }
                    == .unknownTask)
        }
    }

    @Test("the same with a watch and followed consoles", arguments: ArgoConnection.API.allCases)
    func watched(api: ArgoConnection.API) async throws {
        try await SimulatedArgo.run(api: api) { cluster, client in
            try await cluster.sim("script", Self.plan(#"{"seconds":1.5,"lines":\#(Self.lines)}"#))
            let bench = try Bench(client)
            let running = Task { await bench.backend.run() }
            try await bench.start()
            let (info, lines) = try await bench.followed()
            #expect(info.status == .completed)
            #expect(lines == Self.console)
            running.cancel()
            await running.value
        }
    }

    @Test("a create whose answer is lost is found, and made once", arguments: ArgoConnection.API.allCases)
    func lostAnswer(api: ArgoConnection.API) async throws {
        try await SimulatedArgo.run(api: api) { cluster, client in
            try await cluster.sim("fault", #"{"method":"POST","count":1,"drop":"after"}"#)
            let bench = try Bench(client)
            #expect(await ArgoBackendTests.code { try await bench.start() } == .outcomeUnknown)
            let info = try await bench.backend.status(of: bench.workflow, outputFrom: nil)
            #expect(!info.status.isFinal || info.status == .completed)
            try await bench.backend.stage(bench.attempt, bench.submission)
            try await bench.backend.commit(bench.attempt)
            let outcome = try await bench.backend.discard(bench.attempt)
            #expect(outcome == .wasAccepted)
            let created = try await cluster.effects("created", bench.workflow.string)
            #expect(created == 1)
        }
    }

    @Test("a create that never arrived is proven absent after the fence", arguments: ArgoConnection.API.allCases)
    func lostRequest(api: ArgoConnection.API) async throws {
        try await SimulatedArgo.run(api: api) { cluster, client in
            try await cluster.sim("fault", #"{"method":"POST","count":1,"drop":"before"}"#)
            let bench = try Bench(client)
            #expect(await ArgoBackendTests.code { try await bench.start() } == .outcomeUnknown)
            #expect(
                await ArgoBackendTests.code { _ = try await bench.backend.discard(bench.attempt) } == .outcomeUnknown)
            try await SystemClock().sleep(for: .milliseconds(350))
            let outcome = try await bench.backend.discard(bench.attempt)
            #expect(outcome == .discarded)
        }
    }

    @Test(
        "a want of memory, a code, an eviction: each is told",
        arguments: [
            (#"{"outcome":"oom"}"#, "Not enough memory"), (#"{"outcome":"exit","exitCode":3}"#, "Installation issue"),
            (
                #"{"outcome":"exit","exitCode":66,"container":"download"}"#,
                "The inputs can't be read from the object store"
            ),
            (#"{"outcome":"evicted"}"#, "The node gave the task up"),
        ])
    func failures(plan: String, message: String) async throws {
        try await SimulatedArgo.run(api: .argoServer) { cluster, client in
            try await cluster.sim("script", Self.plan(plan))
            let bench = try Bench(client)
            try await bench.start()
            let (info, _) = try await bench.followed()
            #expect(
                info.status == .failed && info.errorMessage?.hasPrefix(message) == true, "\(info.errorMessage ?? "")")
        }
    }

    @Test(
        "a pod that infrastructure took is tried again, and the console shows both",
        arguments: ArgoConnection.API.allCases)
    func retried(api: ArgoConnection.API) async throws {
        try await SimulatedArgo.run(api: api) { cluster, client in
            try await cluster.sim(
                "script",
                Self.plan(
                    #"{"outcome":"nodeShutdown","seconds":0.5,"lines":["one","two"]},{"seconds":0.5,"lines":["three"]}"#
                ))
            let bench = try Bench(client)
            try await bench.start()
            let (info, lines) = try await bench.followed()
            #expect(info.status == .completed)
            #expect(lines.last == "three" && lines.contains("--- the task is tried again in another pod ---"))
        }
    }

    @Test("cancel ends a running task and keeps it", arguments: ArgoConnection.API.allCases)
    func cancelled(api: ArgoConnection.API) async throws {
        try await SimulatedArgo.run(api: api) { cluster, client in
            try await cluster.sim("script", Self.plan(#"{"outcome":"hold","lines":["begun"]}"#))
            let bench = try Bench(client)
            try await bench.start()
            while try await bench.backend.status(of: bench.workflow, outputFrom: 0).status != .running {
                try await SystemClock().sleep(for: .milliseconds(20))
            }
            try await bench.backend.cancel(bench.workflow)
            let (info, _) = try await bench.followed()
            #expect(info.status == .canceled)
            try await bench.backend.cancel(bench.workflow)
        }
    }

    @Test(
        "watches that break, versions that are forgotten and a cluster that starts anew lose nothing",
        arguments: ArgoConnection.API.allCases)
    func brokenWatch(api: ArgoConnection.API) async throws {
        try await SimulatedArgo.run("--time-scale 1", api: api) { cluster, client in
            try await cluster.sim("script", Self.plan(#"{"seconds":2,"lines":\#(Self.lines)}"#))
            let bench = try Bench(client)
            let running = Task { await bench.backend.run() }
            try await bench.start()
            // As the mirror does, all the while; pods stay for their ten minutes here.
            async let following = bench.followed()
            for _ in 0..<4 {
                try await cluster.sim("compact", "{}")
                try await cluster.sim("fault", #"{"method":"GET","count":1,"path":"*workflow*","drop":"before"}"#)
                try await SystemClock().sleep(for: .milliseconds(200))
            }
            let (info, lines) = try await following
            #expect(info.status == .completed)
            #expect(lines == Self.console)
            running.cancel()
            await running.value
        }
    }

    @Test("tasks that wait for the cluster's limit fill it")
    func parallelism() async throws {
        try await SimulatedArgo.run("--parallelism 1 --run-seconds 30", api: .kubernetes) { _, client in
            let benches = try (1...3).map { try Bench(client, attempt: $0) }
            for bench in benches { try await bench.start() }
            for _ in 0..<100 {
                let load = try await benches[0].backend.load()
                if load.slots <= load.unfinished, load.unfinished == 3 { return }
                try await SystemClock().sleep(for: .milliseconds(50))
            }
            Issue.record("the limit wasn't seen")
        }
    }
}
