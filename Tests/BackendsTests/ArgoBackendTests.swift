import HTTPClient
import Model
import NodeODM
import Synchronization
import TestSupport
import Testing

@testable import Backends

/// An object store and a record in memory.
final class Surroundings: SmallObjects, WorkflowRecords {
    let objects = Mutex([String: [UInt8]]())
    let known = Mutex([String: RecordedWorkflow]())
    struct Unreadable: Error {}
    let isBroken = Mutex(false)

    func read(_ name: String, in place: S3URL, endpoint: String?) async throws -> [UInt8]? {
        if isBroken.withLock({ $0 }) { throw Unreadable() }
        return objects.withLock { $0["\(place)\(name)"] }
    }

    func write(_ bytes: [UInt8], _ name: String, in place: S3URL) async throws {
        objects.withLock { $0["\(place)\(name)"] = bytes }
    }

    func recorded(_ workflow: BackendTaskID) async -> RecordedWorkflow? { known.withLock { $0[workflow.string] } }

    /// Puts a marker into the output place of an attempt, perhaps somebody else's.
    func mark(_ name: String, _ task: WorkflowTask, attempt: Int? = nil, images: Int = 3) {
        let json = JSONValue.members([
            "task": .string(task.task.string), "workflow": .string(task.workflow.string),
            "attempt": .number(attempt ?? task.attempt), "images": .number(images),
        ])
        objects.withLock { $0["\(task.output)\(name)"] = json.encoded }
    }
}

@Suite("The Argo backend")
struct ArgoBackendTests {
    /// A backend before a scripted cluster, with a task.
    struct Bench: Sendable {
        let cluster: ScriptedCluster
        let backend: ArgoBackend
        let clock: ManualClock
        let around: Surroundings
        let task: WorkflowTask
        let attempt: Attempt
        let submission: TaskSubmission
    }

    static func bench(
        script: @escaping ScriptedCluster.Script, willBeWatched: Bool = false,
        _ change: @escaping @Sendable (inout ArgoBackendSettings) -> Void = { _ in },
        _ body: @escaping @Sendable (Bench) async throws -> Void
    ) async throws {
        try await ScriptedCluster.run(script) { cluster, client in
            let clock = ManualClock(wallMilliseconds: 1_795_507_800_000)
            let around = Surroundings()
            var settings = ArgoBackendSettings(gateway: Fixtures.gateway)
            settings.slots = 20
            change(&settings)
            let name = try #require(BackendName("fra"))
            let backend = ArgoBackend(
                name: name, settings: settings, client: client, objects: around, records: around,
                willBeWatched: willBeWatched, clock: clock)
            let task = try Fixtures.task()
            around.known.withLock {
                $0[task.workflow.string] = RecordedWorkflow(task: task.task, attempt: 1, output: task.output)
            }
            let attempt = Attempt(
                task: task.task, number: 1, backend: name, backendTask: task.workflow, state: .recorded)
            var submission = TaskSubmission(
                name: "x", options: [], skipsPostProcessing: false, outputs: nil,
                dateCreated: Timestamp(milliseconds: 0), inputs: [])
            submission.objects = ObjectSubmission(
                input: task.input, output: task.output, images: task.images, bytes: task.bytes)
            try await body(
                Bench(
                    cluster: cluster, backend: backend, clock: clock, around: around, task: task, attempt: attempt,
                    submission: submission))
        }
    }

    static func code(_ call: () async throws -> Void) async -> BackendError.Code? {
        do { try await call() } catch { return (error as? BackendError)?.code }
        return nil
    }

    private static let notFound = ScriptedCluster.failure(404, code: 5, "workflows.argoproj.io \"x\" not found")
    private static let empty = ScriptedCluster.list([])

    /// A cluster without our workflow, whose list works.
    private static func unaware(_ asked: ScriptedCluster.Asked) -> ScriptedCluster.Answer {
        if asked.path.hasSuffix("/version") { return .json(200, .members(["version": .string("v4")])) }
        return asked.path.hasSuffix("/workflows/odm") ? empty : notFound
    }

    // MARK: Starting

    @Test("a staged task is created under the name that was chosen")
    func create() async throws {
        try await Self.bench(script: { _, _ in .json(200, Workflows.object(phase: nil)) }) { bench in
            try await bench.backend.stage(bench.attempt, bench.submission)
            #expect(bench.cluster.asked.isEmpty)
            try await bench.backend.commit(bench.attempt)
            let body = try JSONValue(parsing: try #require(bench.cluster.asked.first).body)
            #expect(body.at("workflow", "metadata", "name")?.text == bench.attempt.backendTask.string)
        }
    }

    @Test("a name that is taken by this very attempt is success; by another one it's refused")
    func conflict() async throws {
        let cases: [(JSONValue, BackendError.Code?)] = [
            (Workflows.object(phase: "Running"), nil),
            (Workflows.object(phase: "Running", gateway: "another"), .refused),
            (Workflows.object(phase: "Running", attempt: 2), .refused),
        ]
        for (existing, code) in cases {
            try await Self.bench(script: { asked, _ in
                asked.method == "POST" ? ScriptedCluster.failure(409, code: 6, "already exists") : .json(200, existing)
            }) { bench in
                try await bench.backend.stage(bench.attempt, bench.submission)
                #expect(await Self.code { try await bench.backend.commit(bench.attempt) } == code)
            }
        }
    }

    @Test("what can't have created anything is told apart from what may have")
    func unknownOutcome() async throws {
        let cases: [(ScriptedCluster.Answer, BackendError.Code)] = [
            (.cut, .outcomeUnknown), (.text(502, "<html>"), .outcomeUnknown), (.text(200, "<html>"), .outcomeUnknown),
            (ScriptedCluster.failure(400, code: 3, "bad"), .refused),
            (ScriptedCluster.failure(403, code: 7, "no"), .unauthorized),
            (.text(429, "slow down"), .busy), (.text(404, "<html>"), .notSent),
        ]
        for (answer, code) in cases {
            try await Self.bench(script: { _, _ in answer }) { bench in
                try await bench.backend.stage(bench.attempt, bench.submission)
                #expect(await Self.code { try await bench.backend.commit(bench.attempt) } == code)
            }
        }
        try await Self.bench(script: { asked, _ in Self.unaware(asked) }) { bench in
            #expect(await Self.code { try await bench.backend.commit(bench.attempt) } == .uploadLost)
            #expect(bench.cluster.asked.isEmpty)
        }
    }

    @Test("absence after a create is proven only when the fence has passed and the name is still free")
    func fence() async throws {
        try await Self.bench(script: { asked, _ in asked.method == "POST" ? .cut : Self.unaware(asked) }) { bench in
            try await bench.backend.stage(bench.attempt, bench.submission)
            #expect(await Self.code { try await bench.backend.commit(bench.attempt) } == .outcomeUnknown)
            #expect(
                await Self.code { _ = try await bench.backend.status(of: bench.attempt.backendTask, outputFrom: nil) }
                    == .unknownTask)
            #expect(await Self.code { _ = try await bench.backend.discard(bench.attempt) } == .outcomeUnknown)
            bench.clock.advance(by: .seconds(119))
            #expect(await Self.code { _ = try await bench.backend.discard(bench.attempt) } == .outcomeUnknown)
            bench.clock.advance(by: .seconds(2))
            let outcome = try await bench.backend.discard(bench.attempt)
            #expect(outcome == .discarded)
        }
    }

    @Test("a create of an earlier life is fenced from the first look on; one that never left isn't")
    func fenceOfEarlierLife() async throws {
        try await Self.bench(script: { asked, _ in Self.unaware(asked) }) { bench in
            let outcome = try await bench.backend.discard(bench.attempt)
            #expect(outcome == .discarded && bench.cluster.asked.isEmpty)
            var resumed = bench.attempt
            resumed.state = .committing
            #expect(await Self.code { _ = try await bench.backend.discard(resumed) } == .outcomeUnknown)
            bench.clock.advance(by: .seconds(121))
            let later = try await bench.backend.discard(resumed)
            #expect(later == .discarded)
        }
    }

    @Test("a create that arrived late is found when the fence has passed")
    func lateCreate() async throws {
        try await Self.bench(script: { asked, _ in
            asked.method == "POST" ? .cut : .json(200, Workflows.object(phase: "Running"))
        }) { bench in
            try await bench.backend.stage(bench.attempt, bench.submission)
            _ = await Self.code { try await bench.backend.commit(bench.attempt) }
            // One that is there needs no fence.
            let outcome = try await bench.backend.discard(bench.attempt)
            #expect(outcome == .wasAccepted)
        }
    }

    @Test(
        "a doubt about a create outlives later refusals",
        arguments: [
            (401, BackendError.Code.outcomeUnknown), (429, .outcomeUnknown), (400, .uploadLost),
        ])
    func stickyDoubt(status: Int, code: BackendError.Code) async throws {
        try await Self.bench(script: { asked, number in
            guard asked.method == "POST" else { return Self.unaware(asked) }
            return number == 0 ? .cut : ScriptedCluster.failure(status, code: 3, "no")
        }) { bench in
            try await bench.backend.stage(bench.attempt, bench.submission)
            #expect(await Self.code { try await bench.backend.commit(bench.attempt) } == .outcomeUnknown)
            #expect(await Self.code { try await bench.backend.commit(bench.attempt) } == code)
            bench.clock.advance(by: .seconds(60))
            #expect(await Self.code { _ = try await bench.backend.discard(bench.attempt) } == .outcomeUnknown)
            bench.clock.advance(by: .seconds(61))
            let outcome = try await bench.backend.discard(bench.attempt)
            #expect(outcome == .discarded)
        }
    }

    // MARK: Looking

    @Test("a 404 counts only where the list works")
    func wrongAddress() async throws {
        try await Self.bench(script: { _, _ in Self.notFound }) { bench in
            let code = await Self.code { _ = try await bench.backend.status(of: bench.task.workflow, outputFrom: nil) }
            #expect(code == .malformedAnswer)
        }
        try await Self.bench(script: { asked, _ in
            asked.path.hasSuffix("odm") ? ScriptedCluster.failure(401, code: 16, "no") : Self.unaware(asked)
        }) { bench in
            let code = await Self.code { _ = try await bench.backend.status(of: bench.task.workflow, outputFrom: nil) }
            #expect(code == .unauthorized)
        }
    }

    @Test("a workflow that another gateway made isn't ours")
    func foreign() async throws {
        try await Self.bench(script: { _, _ in .json(200, Workflows.object(phase: "Running", gateway: "another")) }) {
            bench in
            let code = await Self.code { _ = try await bench.backend.status(of: bench.task.workflow, outputFrom: nil) }
            #expect(code == .unknownTask)
        }
    }

    @Test("success counts with this attempt's own marker; without it, it is doubted for a minute and then failed")
    func results() async throws {
        try await Self.bench(script: { _, _ in
            .json(
                200,
                Workflows.object(
                    phase: "Succeeded", finishedAt: "2026-11-24T08:09:50Z", nodes: [Workflows.pod(phase: "Succeeded")]))
        }) { bench in
            let young = try await bench.backend.status(of: bench.task.workflow, outputFrom: nil)
            #expect(young.status == .running && young.progress == 99)
            bench.around.mark("_DONE.json", bench.task, attempt: 7)
            bench.clock.advance(by: .seconds(61))
            let missing = try await bench.backend.status(of: bench.task.workflow, outputFrom: nil)
            #expect(missing.status == .failed && missing.errorMessage?.hasPrefix("The results are missing") == true)
            bench.around.mark("_DONE.json", bench.task, images: 12)
            let whole = try await bench.backend.status(of: bench.task.workflow, outputFrom: nil)
            #expect(whole.status == .completed && whole.imagesCount == 12 && whole.progress == 100)
            bench.around.isBroken.withLock { $0 = true }
            #expect(
                await Self.code { _ = try await bench.backend.status(of: bench.task.workflow, outputFrom: nil) }
                    == .outcomeUnknown)
        }
    }

    @Test("a workflow that the cluster forgot is judged by its markers, and never sent again where it ran")
    func forgotten() async throws {
        try await Self.bench(script: { asked, _ in Self.unaware(asked) }) { bench in
            func status() async throws -> TaskInfo {
                try await bench.backend.status(of: bench.task.workflow, outputFrom: 0)
            }
            #expect(await Self.code { _ = try await status() } == .unknownTask)
            bench.around.mark("_STARTED.json", bench.task, attempt: 2)
            #expect(await Self.code { _ = try await status() } == .unknownTask)
            bench.around.mark("_STARTED.json", bench.task)
            for _ in 0..<4 {
                #expect(await Self.code { _ = try await status() } == .outcomeUnknown)
                bench.clock.advance(by: .seconds(74))
            }
            bench.clock.advance(by: .seconds(10))
            let gone = try await status()
            #expect(
                gone.status == .failed
                    && gone.errorMessage == "The workflow was removed from the cluster before it ended")
            bench.around.mark("_DONE.json", bench.task)
            let done = try await status()
            #expect(done.status == .completed && done.imagesCount == 3)
        }
    }

    @Test("an image that can't be pulled ends the task after ten minutes, with the reason")
    func stuck() async throws {
        let pod = Workflows.pod(
            phase: "Pending", message: "ErrImagePull: no such image", host: "", startedAt: "2026-11-24T08:05:00Z")
        let isOver = Mutex(false)
        try await Self.bench(script: { asked, _ in
            if asked.path.hasSuffix("/terminate") {
                isOver.withLock { $0 = true }
                return .json(200, Workflows.object(phase: "Running"))
            }
            return .json(
                200,
                isOver.withLock { $0 }
                    ? Workflows.object(
                        phase: "Failed", message: "Stopped with strategy 'Terminate'", shutdown: "Terminate")
                    : Workflows.object(phase: "Running", nodes: [pod]))
        }) { bench in
            let early = try await bench.backend.status(of: bench.task.workflow, outputFrom: nil)
            #expect(early.status == .queued && bench.cluster.asked.count == 1)
            bench.clock.advance(by: .seconds(310))
            _ = try await bench.backend.status(of: bench.task.workflow, outputFrom: nil)
            let ended = try await bench.backend.status(of: bench.task.workflow, outputFrom: nil)
            #expect(ended.status == .failed && ended.errorMessage?.contains("can't be pulled") == true)
        }
    }

    // MARK: Ending

    @Test("cancel terminates, and takes an end that was there already for success")
    func cancel() async throws {
        try await Self.bench(script: { _, _ in .json(200, Workflows.object(phase: "Running")) }) { bench in
            try await bench.backend.cancel(bench.task.workflow)
            #expect(bench.cluster.asked.map(\.path) == ["/api/v1/workflows/odm/odm-pipeline-bcd2456789/terminate"])
        }
        try await Self.bench(script: { _, _ in
            ScriptedCluster.failure(500, code: 13, "cannot shutdown a completed workflow")
        }) { bench in
            try await bench.backend.cancel(bench.task.workflow)
        }
        try await Self.bench(script: { asked, _ in Self.unaware(asked) }) { bench in
            #expect(await Self.code { try await bench.backend.cancel(bench.task.workflow) } == .unknownTask)
        }
        try await Self.bench(script: { _, _ in .text(503, "later") }) { bench in
            #expect(await Self.code { try await bench.backend.cancel(bench.task.workflow) } == .outcomeUnknown)
        }
    }

    @Test("remove deletes what is ours, and says where there is nothing: it may come yet")
    func remove() async throws {
        try await Self.bench(script: { _, _ in .json(200, Workflows.object(phase: "Running")) }) { bench in
            try await bench.backend.remove(bench.task.workflow)
            #expect(bench.cluster.asked.contains { $0.method == "DELETE" })
        }
        try await Self.bench(script: { _, _ in .json(200, Workflows.object(phase: "Running", gateway: "another")) }) {
            bench in
            try await bench.backend.remove(bench.task.workflow)
            #expect(!bench.cluster.asked.contains { $0.method == "DELETE" })
        }
        try await Self.bench(script: { asked, _ in Self.unaware(asked) }) { bench in
            #expect(await Self.code { try await bench.backend.remove(bench.task.workflow) } == .unknownTask)
        }
    }

    // MARK: Load

    @Test("load counts phases, creates that no list shows yet, and the limit that was met")
    func load() async throws {
        let throttled = Workflows.object(
            name: "w2", phase: "Pending",
            message: "Workflow processing has been postponed because too many workflows are already running")
        let items = Mutex([Workflows.object(name: "w1", phase: "Running")])
        try await Self.bench(script: { asked, _ in
            asked.method == "POST" ? .cut : ScriptedCluster.list(items.withLock { $0 })
        }) { bench in
            let first = try await bench.backend.load()
            #expect(first.slots == 20 && first.unfinished == 1 && first.engineVersion == "3.6.0")
            try await bench.backend.stage(bench.attempt, bench.submission)
            _ = await Self.code { try await bench.backend.commit(bench.attempt) }
            let second = try await bench.backend.load()
            #expect(second.unfinished == 2)
            items.withLock { $0.append(throttled) }
            bench.clock.advance(by: .seconds(61))
            let full = try await bench.backend.load()
            #expect(full.unfinished == 2 && full.slots == 1)
            items.withLock { $0 = [] }
            bench.clock.advance(by: .seconds(120))
            let free = try await bench.backend.load()
            #expect(free.unfinished == 0 && free.slots == 1)
            bench.clock.advance(by: .seconds(600))
            let later = try await bench.backend.load()
            #expect(later.slots == 20)
        }
    }

    @Test("where nobody watches, what a list said isn't taken for the present a moment later")
    func unwatched() async throws {
        let phase = Mutex("Running")
        try await Self.bench(script: { asked, _ in
            let object = Workflows.object(
                phase: phase.withLock { $0 }, nodes: [Workflows.pod(phase: "Running", progress: "42/100")])
            return asked.path.hasSuffix("/workflows/odm") ? ScriptedCluster.list([object]) : .json(200, object)
        }) { bench in
            let full = try await bench.backend.load()
            #expect(full.unfinished == 1)
            phase.withLock { $0 = "Error" }
            bench.clock.advance(by: .seconds(2))
            let info = try await bench.backend.status(of: bench.task.workflow, outputFrom: nil)
            #expect(info.status == .failed)
            let free = try await bench.backend.load()
            #expect(free.unfinished == 0)
        }
    }

    @Test("foreign workflows count where the inventory says so")
    func foreignLoad() async throws {
        let items = [
            Workflows.object(name: "w1", phase: "Running"),
            Workflows.object(name: "f1", phase: "Running", gateway: "x"),
        ]
        try await Self.bench(
            script: { asked, _ in
                ScriptedCluster.list(asked.has("odm-gateway") ? [items[0]] : items)
            }, { $0.countsForeign = true }
        ) { bench in
            let load = try await bench.backend.load()
            #expect(load.unfinished == 2)
        }
    }

    @Test("a thousand workflows cost a list and a watch, however often they are asked about")
    func thousand() async throws {
        let objects = (0..<1000).map { Workflows.object(name: "w\($0)", phase: "Running") }
        try await Self.bench(script: { asked, _ in
            if asked.path.hasPrefix("/api/v1/workflow-events") { return .pieces([":\n"], thenWaits: true) }
            let start =
                asked.target.range(ofText: "continue=").flatMap {
                    Int(asked.target[$0.upperBound...].prefix { $0.isNumber })
                } ?? 0
            let page = Array(objects[min(start, 1000)..<min(start + 250, 1000)])
            return ScriptedCluster.list(page, next: start + 250 < 1000 ? "\(start + 250)" : nil)
        }) { bench in
            let running = Task { await bench.backend.run() }
            while bench.backend.watch.fresh?.count != 1000 { await Task.yield() }
            for index in 0..<1000 {
                let info = try await bench.backend.status(of: BackendTaskID("w\(index)"), outputFrom: nil)
                #expect(info.status == .queued)
            }
            let load = try await bench.backend.load()
            #expect(load.unfinished == 1000)
            let calls = bench.cluster.asked.count
            #expect(calls <= 7, "\(bench.cluster.asked.map(\.path))")
            running.cancel()
            await running.value
        }
    }

    // MARK: Consoles

    @Test("a console is read with the task, and whole at its end even where the pods are gone")
    func console() async throws {
        let phase = Mutex("Running")
        try await Self.bench(script: { asked, _ in
            let isOver = phase.withLock { $0 } != "Running"
            if asked.path.hasSuffix("/log") {
                // Pods are gone after the end: the stream is empty.
                let content = "2026-11-24T08:00:11Z one"
                return .pieces(isOver ? [] : ["data: {\"result\":{\"content\":\"\(content)\"}} \n\n\n"])
            }
            if asked.path.hasPrefix("/artifact-files") { return .text(404, "no artifact") }
            let pod = Workflows.pod(
                phase: isOver ? "Failed" : "Running", message: isOver ? "process: Error (exit code 1)" : "")
            return .json(200, Workflows.object(phase: phase.withLock { $0 }, nodes: [pod]))
        }) { bench in
            let first = try await bench.backend.status(of: bench.task.workflow, outputFrom: 0)
            #expect(first.output == ["one"])
            phase.withLock { $0 = "Failed" }
            bench.around.objects.withLock {
                $0["\(bench.task.output)task_output.txt"] = Array("one\ntwo\nthree\n".utf8)
            }
            let last = try await bench.backend.status(of: bench.task.workflow, outputFrom: 1)
            #expect(last.status == .failed && last.errorMessage == "Cannot process dataset")
            #expect(last.output == ["two", "three"])
            // The console isn't shorter than was asked for: it is only not known further.
            let beyond = try await bench.backend.status(of: bench.task.workflow, outputFrom: 3)
            #expect(beyond.output == nil)
        }
    }
}
