import Backends
import Configuration
import HTTPClient
import Model
import NodeODM
import Observability
import Reactor
import Record
import TestSupport
import Testing

@testable import Gateway

@Suite("Backends that work in object storage")
struct ObjectStoreBackendTests {
    private static func room(
        _ staff: ControlRoom.Staff = [], _ body: @escaping @Sendable (ControlRoom, ScriptedBackend) async throws -> Void
    ) async throws {
        var settings = ControlRoom.Settings()
        settings.hasBucket = true
        try await ControlRoom.with(staff, settings) { clock in
            [
                ScriptedBackend("fra", slots: 4, clock: clock) {
                    $0.worksInObjectStore = true
                    $0.worthAnother = "Not enough memory"
                }
            ]
        } _: { room in
            try await body(room, room.nodes[0])
        }
    }

    /// Lets the present run of a task end there as a node says.
    private static func end(_ id: TaskID, in room: ControlRoom, _ code: StatusCode, _ error: String? = nil) async throws
    {
        let name = try await room.name(id)
        room.nodes[0].set {
            $0.tasks[name]?.code = code
            $0.tasks[name]?.error = error
        }
    }

    @Test("an uploaded task is told by places and names, and its results go below the gateway's own prefix")
    func uploaded() async throws {
        try await Self.room { room, node in
            let (id, _) = try await room.placed("a0a0a0a0-0000-4000-8000-000000000001")
            let attempt = try #require(try await room.read(id).attempt)
            #expect(attempt.output == S3URL("s3://data/scaleodm/\(id.key)/attempt-1/"))
            let told = try #require(node.now.submissions[attempt.backendTask.string]?.objects)
            #expect(told.input == S3URL("s3://data/scaleodm/\(id.key)/") && told.output == attempt.output)
            #expect(told.selection == .staged && told.images == 1 && told.bytes == 10 && told.memoryStep == 0)
            #expect(told.names == ["0": "0.jpg"])
            #expect(room.parts.mirror.task(id)?.info.s3OutputPath == nil)
        }
    }

    @Test("a task with images of its client's is told the client's places, and shows where its results go")
    func clients() async throws {
        try await Self.room { room, node in
            let id = try #require(TaskID("odm-pipeline-bcdfghjklm"))
            var fields = try #require(
                try ObjectStorageFields.read {
                    ["readS3Path": .string("s3://mine/flight"), "s3ScanDepth": .integer(3)][$0]
                })
            fields.engineImage = "example/odm:1"
            fields.capacity = .onDemand
            fields.endpoint = "http://minio.example.org:9000"
            var task = NewTask(id: id, name: "x", dateCreated: room.now, objectStorage: fields.json)
            (task.foundImages, task.foundBytes) = (7, 700)
            _ = try await room.store.create(task, at: room.now)
            _ = try await room.store.commit(id, for: .everything, at: room.now)
            await room.parts.refresh(id)
            room.parts.placement.wake()
            try await room.until("it is placed") { try await room.read(id).state == .placed }
            let told = try #require(node.now.submissions[try await room.name(id)]?.objects)
            #expect(told.input == S3URL("s3://mine/flight/") && told.output == S3URL("s3://mine/flight/output/"))
            #expect(told.selection.depth == 3 && told.images == 7 && told.bytes == 700 && told.names.isEmpty)
            #expect(told.engineImage == "example/odm:1" && told.capacity == .onDemand)
            #expect(told.endpoint == "http://minio.example.org:9000")
            #expect(node.now.submissions.values.allSatisfy { $0.source == nil })
            try await room.until("info tells it") {
                room.parts.mirror.task(id)?.info.s3OutputPath == "s3://mine/flight/output/"
            }
        }
    }

    @Test("a want of memory gets one more attempt with more, and a restart begins anew")
    func memory() async throws {
        try await Self.room(.mirror) { room, node in
            let (id, _) = try await room.placed("a0a0a0a0-0000-4000-8000-000000000001")
            func steps() async throws -> [Int?] {
                try await room.attempts(id).map {
                    node.now.submissions[$0.backendTask.string]?.objects?.memoryStep
                }
            }
            func lacksMemory(attempts: Int) async throws {
                try await Self.end(id, in: room, .failed, "Not enough memory")
                try await room.until("\(attempts) attempts", stepping: .milliseconds(500)) {
                    let record = try await room.read(id)
                    return record.state == .failed || (record.lastAttempt == attempts && record.state == .placed)
                }
            }
            try await lacksMemory(attempts: 2)
            #expect(try await steps() == [0, 1])
            #expect(try await room.attempts(id).first?.outcome == .outgrown)
            #expect(try await room.read(id).failures == 0)
            try await lacksMemory(attempts: 3)
            #expect(try await room.read(id).state == .failed)
            #expect(try await room.attempts(id).count == 2)
            #expect(try await room.read(id).errorMessage == "Not enough memory")
            room.clock.advance(by: .seconds(1))
            _ = try await room.store.requestRestart(id, for: .everything, options: nil, boundTo: nil, at: room.now)
            await room.parts.refresh(id)
            room.parts.placement.wake()
            try await room.until("it runs again") { try await room.read(id).state == .placed }
            #expect(try await steps() == [0, 1, 0])
            #expect(node.count(.restart) == 0, "there is no project to go on with")
            let last = try #require(try await room.attempts(id).last)
            #expect(last.output == S3URL("s3://data/scaleodm/\(id.key)/attempt-3/"))
        }
    }

    @Test("another failure is the task's end, and images aren't counted there")
    func ends() async throws {
        try await Self.room(.mirror) { room, node in
            let (id, _) = try await room.placed("a0a0a0a0-0000-4000-8000-000000000001")
            let name = try await room.name(id)
            node.set { $0.tasks[name]?.images = 5 }
            try await Self.end(id, in: room, .failed, "Cannot process dataset")
            try await room.until("it has failed", stepping: .milliseconds(500)) {
                try await room.read(id).state == .failed
            }
            #expect(try await room.attempts(id).count == 1)
        }
    }

    @Test("without a bucket such a backend takes nothing, and nothing is lost")
    func noBucket() async throws {
        try await ControlRoom.with { clock in
            [ScriptedBackend("fra", clock: clock) { $0.worksInObjectStore = true }]
        } _: { room in
            let id = try await room.commit("a0a0a0a0-0000-4000-8000-000000000001")
            try await room.until("it is given back") { try await room.attempts(id).first?.state == .ended }
            #expect(room.nodes[0].count(.stage) == 0)
            #expect(try await room.read(id).state == .queued)
            #expect(try await room.read(id).failures == 0)
        }
    }
}

@Suite("Names of attempts")
struct AttemptNameTests {
    private let uuid = TaskID("6F9619FF-8B86-4011-B42D-00CF4FC964FF")

    @Test("a node gets the task's own UUID at first, and another one for each later attempt")
    func node() throws {
        let id = try #require(uuid)
        let backend = ScriptedBackend("node1", clock: ManualClock())
        func name(_ attempt: Int, isFresh: Bool = false) -> String {
            backend.identity(for: id, attempt: attempt, isFresh: isFresh, random: SystemRandomBits()).string
        }
        #expect(name(1) == id.string)
        for other in [name(2), name(1, isFresh: true)] {
            #expect(other != id.string && TaskID(other)?.isUUID == true)
        }
        let pipeline = try #require(TaskID("odm-pipeline-bcdfghjklm"))
        let sent = backend.identity(for: pipeline, attempt: 1, isFresh: false, random: SystemRandomBits())
        #expect(TaskID(sent.string)?.isUUID == true)
    }

    @Test("a cluster's follows from task and number, however often it is asked")
    func cluster() async throws {
        let id = try #require(uuid)
        try await BuilderTests.member(kind: .argo) { member in
            for isFresh in [false, true] {
                let names = [1, 2].map {
                    member.backend.identity(for: id, attempt: $0, isFresh: isFresh, random: SystemRandomBits()).string
                }
                #expect(names == ["odm-pipeline-\(id.key)", "odm-pipeline-\(id.key)-r2"])
            }
        }
    }
}

@Suite("Backends of the inventory")
struct BuilderTests {
    /// A member of a kind, as the inventory may define it.
    static func member(
        kind: BackendKind, s3: Bool = true, _ change: @escaping @Sendable (inout BackendDefinition) -> Void = { _ in },
        _ body: @escaping @Sendable (FleetMember) async throws -> Void
    ) async throws {
        try await LoopRunner.onLoop { loop in
            var definition = BackendDefinition(
                name: BackendName(recorded: "fra"), url: HTTPURL("http://node1.example.org:2746"), kind: kind)
            change(&definition)
            var settings = S3Settings()
            settings.bucket = "data"
            let builder = BackendBuilder(
                client: CurlClient(loop: loop), clusters: ClusterClients(loop: loop), storage: NoStorage(),
                s3: s3 ? settings : nil, gateway: "g", clock: SystemClock(), logger: .silent)
            try await body(try builder.member(definition))
        }
    }

    @Test("each kind has its backend; one that this version can't drive is refused by name")
    func kinds() async throws {
        try await Self.member(kind: .nodeodm) { member in
            #expect(member.backend.kind == .nodeodm && !member.backend.worksInObjectStore)
            #expect(member.onVanished == .rerun && member.definition.deadAfter != nil)
        }
        try await Self.member(kind: .argo) { member in
            #expect(member.backend.kind == .argo && member.backend.worksInObjectStore)
            #expect(member.onVanished == .fail && member.definition.deadAfter == nil)
            #expect(member.definition.engineImages == ["opendronemap/odm:3.6.0"])
        }
        await #expect(throws: StartError.self) { try await Self.member(kind: .scaleodm) { _ in } }
        await #expect(throws: StartError.self) { try await Self.member(kind: .argo, s3: false) { _ in } }
    }

    @Test("a cluster's own word about its slots isn't raised by the inventory's")
    func slots() async throws {
        try await Self.member(kind: .argo) {
            $0.maxParallelTasks = 20
        } _: { member in
            var member = member
            member.load = BackendLoad(
                slots: 3, unfinished: 3, maxImages: nil, engine: "odm", engineVersion: "3.6.0", apiVersion: "argo")
            #expect(member.slots == 3)
        }
    }

    @Test("a file of options takes the place of the engine's, or the start is refused")
    func optionsFile() async throws {
        try await ScratchFolder.run { folder in
            let good = folder.path + "/good.json"
            let options = #"[{"name":"dsm","type":"bool","value":false,"domain":"bool","help":""}]"#
            ScratchFolder.write(Array(options.utf8), to: good)
            try await Self.member(kind: .argo) {
                $0.optionsFile = good
            } _: { member in
                let catalog = try await member.options()
                #expect(catalog.definitions.map(\.name) == ["dsm"])
            }
            let bad = folder.path + "/bad.json"
            ScratchFolder.write(Array("{}".utf8), to: bad)
            for path in [bad, "/nonexistent.json"] {
                await #expect(throws: StartError.self) {
                    try await Self.member(kind: .nodeodm) {
                        $0.optionsFile = path
                    } _: { _ in
                    }
                }
            }
        }
    }
}
