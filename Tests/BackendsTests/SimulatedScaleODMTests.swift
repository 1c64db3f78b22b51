import HTTPClient
import Model
import NodeODM
import Reactor
import Storage
import Testing

@testable import Backends

@Suite("Another ScaleODM", .enabled(if: SimulatedScaleODM.isThere), .serialized)
struct SimulatedScaleODMTests {
    private static func failure(_ call: () async throws -> Void) async -> BackendError? {
        do { try await call() } catch { return error as? BackendError }
        return nil
    }

    // MARK: A life

    @Test("uploaded files reach it under their own names, its name of the task is learned, and the console is whole")
    func life() async throws {
        try await SimulatedScaleODM.run { bench in
            let options = [
                TaskOption(name: "dsm", value: .bool(true)), TaskOption(name: "rerun", value: .string("all")),
            ]
            let (attempt, submission) = try await bench.uploaded(options: options)
            try await bench.backend.stage(attempt, submission)
            #expect(try await bench.effects("created") == 0)
            let task = try await bench.backend.commit(attempt)
            #expect(task.string.hasPrefix("odm-pipeline-") && task != attempt.backendTask)
            let (info, lines) = try await bench.followed(task)
            #expect(info.status == .completed && info.progress == 100 && info.processingTime >= 0)
            #expect(info.uuid == task.string && info.dateCreated > Timestamp(milliseconds: 1_600_000_000_000))
            #expect(info.options.map(\.name) == ["dsm"])
            #expect(lines.count == 3 && lines.last?.hasSuffix("finished") == true)
            // The simulator reads the names of the images; the bytes are those that were uploaded.
            let place = "gw/\(attempt.task.key)/"
            let images = try await bench.store.client.read(
                bucket: bench.store.bucket, key: "\(place)attempt-1/images.json", atMost: 1 << 20)
            let names = (try JSONValue(parsing: images).array ?? []).compactMap { $0["filename"]?.text }
            #expect(Set(names) == ["a b.jpg", "ü.JPG", "c.tif"])
            let copy = try await bench.store.client.read(
                bucket: bench.store.bucket, key: "\(place)input/attempt-1/ü.JPG", atMost: 1 << 20)
            #expect(String(decoding: copy, as: UTF8.self) == "picture ü.JPG")

            try await bench.backend.remove(task)
            #expect(
                await Self.failure { _ = try await bench.backend.status(of: task, outputFrom: nil) }?.code
                    == .unknownTask)
        }
    }

    @Test("all.zip is packed by it, other results are behind a redirect, and what isn't there isn't")
    func downloads() async throws {
        try await SimulatedScaleODM.run { bench in
            let task = try await bench.start().task
            _ = try await bench.followed(task)
            let packed = try await bench.download(try #require(bench.backend.download(of: task, asset: "all.zip")))
            #expect(packed.status == 200 && packed.body.prefix(2) == [0x50, 0x4B])
            let dsm = try await bench.download(try #require(bench.backend.download(of: task, asset: "dsm.tif")))
            #expect(dsm.status == 200 && String(decoding: dsm.body, as: UTF8.self).contains(task.string))
            #expect(
                try await bench.download(try #require(bench.backend.download(of: task, asset: "x.tif"))).status == 404)
            #expect(bench.backend.download(of: task, asset: "../x") == nil)
        }
    }

    @Test("a client's own place is read where it lies, as the client said")
    func ownPlace() async throws {
        try await SimulatedScaleODM.run { bench in
            let bucket = bench.store.bucket
            for name in ["1.jpg", "2.jpg", "drafts/3.jpg"] {
                try await bench.store.client.put(bucket: bucket, key: "flight/\(name)", [1])
            }
            let task = try #require(TaskID("odm-pipeline-bcdfghjklm"))
            let attempt = bench.attempt(of: task)
            var submission = TaskSubmission(
                name: "x", options: [], skipsPostProcessing: true, outputs: nil,
                dateCreated: Timestamp(milliseconds: 0), inputs: [])
            var places = ObjectSubmission(
                input: try #require(S3URL(bucket: bucket, prefix: "flight")),
                selection: InputSelection(depth: 3, excludes: ["drafts/**"], usesDefaultExcludes: true),
                output: try #require(S3URL(bucket: bucket, prefix: "flight/output")), images: 2, bytes: 2)
            places.capacity = .onDemand
            submission.objects = places
            try await bench.backend.stage(attempt, submission)
            let name = try await bench.backend.commit(attempt)
            let (info, _) = try await bench.followed(name)
            #expect(info.status == .completed)
            #expect(info.imagesCount == -1, "its count looks at no depth")
            #expect(
                try await bench.store.client.head(bucket: bucket, key: "flight/output/odm_dem/dsm.tif").size.bytes > 0)
            #expect(try await bench.store.client.list(bucket: bucket, prefix: "flight/attempt").objects.isEmpty)
        }
    }

    @Test("a failed run tells why, and a cancelled one is over")
    func ends() async throws {
        try await SimulatedScaleODM.run("--run-seconds 30") { bench in
            try await bench.sim("script", #"{"outcome":"fail","seconds":0.1,"message":"process: OOMKilled","times":1}"#)
            let failed = try await bench.followed(try await bench.start().task).info
            #expect(failed.status == .failed && failed.errorMessage == "process: OOMKilled")
            let task = try await bench.start().task
            while try await bench.backend.status(of: task, outputFrom: 0).status != .running {
                try await SystemClock().sleep(for: .milliseconds(20))
            }
            #expect(try await bench.backend.status(of: task, outputFrom: 0).output?.count == 2)
            try await bench.backend.cancel(task)
            let info = try await bench.backend.status(of: task, outputFrom: 1)
            #expect(info.status == .canceled)
            #expect(info.output?.count == 1, "the instance's log is gone, and what was taken stays")
            try await bench.backend.cancel(task)
            #expect(await Self.failure { try await bench.backend.restart(task, options: nil) }?.code == .unknownTask)
        }
    }

    // MARK: Submissions

    @Test("what it refuses is told in its own words, and another backend may take it")
    func refused() async throws {
        try await SimulatedScaleODM.run { bench in
            let (attempt, submission) = try await bench.uploaded()
            var places = try #require(submission.objects)
            places.engineImage = "evil.example.org/odm:1"
            var odd = submission
            odd.objects = places
            try await bench.backend.stage(attempt, odd)
            let failure = try #require(await Self.failure { try await bench.backend.commit(attempt) })
            #expect(failure.code == .refused && failure.message.contains("not from an allowed repository"))
            #expect(try await bench.backend.discard(attempt) == .discarded)

            for name in ["a.png", "gcp_list.txt", "seed.zip"] {
                let (odd, files) = try await bench.uploaded(["1.jpg", name])
                let refusal = await Self.failure { try await bench.backend.stage(odd, files) }
                #expect(refusal?.code == .refused && refusal?.message.contains(name) == true)
            }

            var missing = submission
            missing.inputs.append(InputFile(name: "gone.jpg", size: 1, digest: "d", storageKey: "x/input/gone"))
            #expect(await Self.failure { try await bench.backend.stage(attempt, missing) }?.code == .inputsMissing)
        }
    }

    @Test(
        "answers that may hide a started task are doubts, and those that can't aren't",
        arguments: [
            (#""status":503"#, BackendError.Code.outcomeUnknown), (#""status":500,"after":true"#, .outcomeUnknown),
            (#""status":200,"body":"<html>""#, .outcomeUnknown), (#""drop":"before""#, .outcomeUnknown),
            (#""status":429"#, .busy), (#""status":401"#, .unauthorized), (#""status":404,"body":"<html>""#, .notSent),
            (#""status":301,"headers":{"Location":"https://127.0.0.1/"}"#, .notSent),
        ])
    func doubts(fault: String, code: BackendError.Code) async throws {
        try await SimulatedScaleODM.run { bench in
            let (attempt, submission) = try await bench.uploaded()
            try await bench.backend.stage(attempt, submission)
            try await bench.sim("fault", #"{"method":"POST","path":"/task/new","count":1,\#(fault)}"#)
            #expect(await Self.failure { try await bench.backend.commit(attempt) }?.code == code)
            // Only one of them is still possible there.
            if code != .outcomeUnknown { #expect(try await bench.backend.discard(attempt) == .discarded) }
        }
    }

    @Test("a submission whose answer was lost is found by its mark, also by a gateway that remembers nothing")
    func lostAnswer() async throws {
        try await SimulatedScaleODM.run("--run-seconds 30") { bench in
            try await bench.sim("set", #"{"foreign":3}"#)
            let other = try await bench.start().task
            try await bench.sim("fault", #"{"method":"POST","path":"/task/new","count":1,"drop":"after"}"#)
            let (attempt, submission) = try await bench.uploaded()
            try await bench.backend.stage(attempt, submission)
            #expect(await Self.failure { try await bench.backend.commit(attempt) }?.code == .outcomeUnknown)
            for backend in [bench.backend, bench.another()] {
                let info = try await backend.status(of: attempt.backendTask, outputFrom: nil)
                #expect(info.uuid.hasPrefix("odm-pipeline-") && info.uuid != other.string)
                #expect(try await backend.discard(attempt) == .wasAccepted)
                // Whatever is asked of the mark is asked of the task.
                #expect(try await backend.status(of: BackendTaskID(info.uuid), outputFrom: nil).uuid == info.uuid)
            }
            #expect(try await bench.effects("created") == 2)
            try await bench.another().remove(attempt.backendTask)
            #expect(try await bench.effects("removed") == 1)
        }
    }

    @Test("of two whose answers were lost each is found, also the one that was passed while the other was looked for")
    func twoLostAnswers() async throws {
        try await SimulatedScaleODM.run("--run-seconds 30") { bench in
            try await bench.sim("fault", #"{"method":"POST","path":"/task/new","count":2,"drop":"after"}"#)
            var attempts: [Attempt] = []
            for _ in 0..<2 {
                let (attempt, submission) = try await bench.uploaded()
                try await bench.backend.stage(attempt, submission)
                #expect(await Self.failure { try await bench.backend.commit(attempt) }?.code == .outcomeUnknown)
                attempts.append(attempt)
            }
            var found: Set<String> = []
            for attempt in attempts.reversed() {
                found.insert(try await bench.backend.status(of: attempt.backendTask, outputFrom: nil).uuid)
            }
            #expect(found.count == 2)
        }
    }

    @Test("one that isn't to be found is nobody's to decide but the operator's")
    func lostRequest() async throws {
        try await SimulatedScaleODM.run { bench in
            try await bench.sim("fault", #"{"method":"POST","path":"/task/new","count":1,"drop":"before"}"#)
            let (attempt, submission) = try await bench.uploaded()
            try await bench.backend.stage(attempt, submission)
            #expect(await Self.failure { try await bench.backend.commit(attempt) }?.code == .outcomeUnknown)
            guard case .undecidable(let reason) = try await bench.backend.discard(attempt) else {
                Issue.record("it was decided")
                return
            }
            #expect(reason.contains(attempt.backendTask.string) && reason.contains("tasks retry"))
            // A gateway that starts anew finds the attempt committing, and nothing more.
            var recorded = attempt
            recorded.state = .committing
            guard case .undecidable = try await bench.another().discard(recorded) else {
                Issue.record("it was decided")
                return
            }
            // What never came so far has left nothing.
            #expect(try await bench.another().discard(attempt) == .discarded)
        }
    }

    @Test("with on_unknown: resubmit the outcome is decided after a while")
    func resubmit() async throws {
        try await SimulatedScaleODM.run("--run-seconds 1") { settings in
            settings.onUnknown = .resubmit
            settings.fence = .milliseconds(300)
        } _: { bench in
            try await bench.sim("fault", #"{"method":"POST","path":"/task/new","count":1,"drop":"before"}"#)
            let (attempt, submission) = try await bench.uploaded()
            try await bench.backend.stage(attempt, submission)
            _ = await Self.failure { try await bench.backend.commit(attempt) }
            #expect(await Self.failure { _ = try await bench.backend.discard(attempt) }?.code == .outcomeUnknown)
            try await SystemClock().sleep(for: .milliseconds(350))
            #expect(try await bench.backend.discard(attempt) == .discarded)
        }
    }

    @Test("a collected workflow is still found in the user interface's rows")
    func rows() async throws {
        try await SimulatedScaleODM.run("--run-seconds 0.1 --ui") { bench in
            try await bench.sim("set", #"{"ttlSeconds":0}"#)
            try await bench.sim("fault", #"{"method":"POST","path":"/task/new","count":1,"drop":"after"}"#)
            let (attempt, submission) = try await bench.uploaded()
            try await bench.backend.stage(attempt, submission)
            _ = await Self.failure { try await bench.backend.commit(attempt) }
            while try await !bench.client.list().isEmpty { try await SystemClock().sleep(for: .milliseconds(20)) }
            #expect(try await bench.another().status(of: attempt.backendTask, outputFrom: nil).status.isFinal)
        }
    }

    // MARK: The instance

    @Test("its load is its own count, and no zero while tasks of ours are there")
    func load() async throws {
        try await SimulatedScaleODM.run("--run-seconds 30") { bench in
            try await bench.sim("set", #"{"foreign":2}"#)
            var load = try await bench.backend.load()
            #expect(load.unfinished == 2 && load.slots == 4 && load.engineVersion == "3.6.0" && load.maxImages == nil)
            let task = try await bench.start().task
            load = try await bench.backend.load()
            #expect(load.unfinished == 3)
            try await bench.sim("set", #"{"listFails":true}"#)
            load = try await bench.backend.load()
            #expect(load.unfinished == 3)
            #expect(await Self.failure { try await bench.backend.probe() }?.code == .malformedAnswer)
            try await bench.sim("set", #"{"listFails":false,"foreign":0}"#)
            try await bench.backend.cancel(task)
            _ = try await bench.backend.status(of: task, outputFrom: nil)
            load = try await bench.backend.load()
            #expect(load.unfinished == 0)
            try await bench.backend.probe()
            #expect(try await bench.backend.options() == .engine360)
        }
    }

    @Test("a proxy's page says nothing of a task")
    func pages() async throws {
        try await SimulatedScaleODM.run("--run-seconds 30") { bench in
            let task = try await bench.start().task
            for fault in [#""status":404,"body":"<html>""#, #""status":502"#, #""status":200,"body":"<html>""#] {
                try await bench.sim("fault", #"{"method":"GET","path":"*/info","count":1,\#(fault)}"#)
                let failure = await Self.failure { _ = try await bench.backend.status(of: task, outputFrom: 0) }
                #expect(failure?.code == .malformedAnswer)
            }
            // A console that can't be read doesn't hide the state.
            try await bench.sim("fault", #"{"method":"GET","path":"*/output","count":1,"status":500}"#)
            #expect(try await !bench.backend.status(of: task, outputFrom: 0).status.isFinal)
        }
    }

    @Test("a gateway that starts anew goes on with the console where the last one was")
    func consoleAfterRestart() async throws {
        try await SimulatedScaleODM.run("--run-seconds 30") { bench in
            let task = try await bench.start().task
            while try await bench.backend.status(of: task, outputFrom: 0).output?.count != 2 {
                try await SystemClock().sleep(for: .milliseconds(20))
            }
            #expect(try await bench.another().status(of: task, outputFrom: 1).output?.count == 1)
        }
    }
}
