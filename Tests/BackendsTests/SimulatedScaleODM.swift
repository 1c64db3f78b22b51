import Digests
import Glibc
import HTTPClient
import HTTPTypes
import Model
import NodeODM
import Observability
import Reactor
import TestSupport

@testable import Backends
@testable import Storage

/// The simulated instance of Tests/ScaleODMSimulator as a program of its own, over a real object store.
final class SimulatedScaleODM {
    /// Where its API is.
    let url: String
    private let control: String
    private let child: pid_t
    private let output: UnsafeMutablePointer<FILE>

    private static let root = String(#filePath.prefix(#filePath.count - "/BackendsTests/SimulatedScaleODM.swift".count))
    private static let folder = root + "/ScaleODMSimulator"
    private static let python =
        getenv("SCALEODM_PYTHON").map { String(cString: $0) } ?? root + "/../.build/venv/bin/python"

    /// Whether the program and its Python are there.
    static var isThere: Bool {
        access("\(folder)/scaleodm_simulator/__main__.py", R_OK) == 0 && access(python, X_OK) == 0
    }

    struct SimulatorFailure: Error {}

    /// Starts it and waits until it listens; blocking.
    private init(_ flags: String, store: String) throws {
        let keys = "--s3-access-key \(ScratchS3.accessKeyID) --s3-secret-key \(ScratchS3.secretAccessKey)"
        let command =
            "cd '\(Self.folder)' && echo $$ && PYTHONPATH=../SimulatorKit exec '\(Self.python)' -u "
            + "-m scaleodm_simulator --s3-endpoint \(store) \(keys) \(flags)"
        guard let stream = popen(command, "r") else { throw SimulatorFailure() }
        output = stream
        child = pid_t(Self.line(of: stream) ?? "") ?? 0
        var places = ["", ""]
        while places.contains(""), let line = Self.line(of: stream) {
            if line.hasPrefix("control on ") { places[0] = String(line.dropFirst(11)) }
            if line.hasPrefix("listening on ") { places[1] = String(line.dropFirst(13)) }
        }
        guard !places.contains(""), child > 0 else { throw SimulatorFailure() }
        control = places[0]
        url = places[1]
    }

    private static func line(of stream: UnsafeMutablePointer<FILE>) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        guard fgets(&buffer, Int32(buffer.count), stream) != nil else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// By SIGKILL: a child of a thread of Swift's pool has the signals blocked that the pool blocks.
    private func stop() {
        kill(child, SIGKILL)
        pclose(output)
    }

    /// Runs a test against an instance of its own.
    static func run(
        _ flags: String = "--run-seconds 0.3",
        _ change: @escaping @Sendable (inout ScaleODMBackendSettings) -> Void = { _ in },
        _ body: @escaping @Sendable (ScaleODMBench) async throws -> Void
    ) async throws {
        let server = try await ScratchS3.shared(.rclone)
        let bucket = "b-" + Hexadecimal.encode(RandomBytes.make(6))
        let simulator = try SimulatedScaleODM(flags, store: server.url)
        defer { simulator.stop() }
        let (url, control) = (simulator.url, simulator.control)
        try await LoopRunner.onLoop { loop in
            let curl = CurlClient(loop: loop)
            let bench = try ScaleODMBench(url, control: control, store: server.url, bucket, curl, change)
            let outcome: Result<Void, any Error>
            do {
                _ = try await bench.store.client.send(S3Call("CreateBucket", .put, bucket))
                outcome = .success(try await body(bench))
            } catch { outcome = .failure(error) }
            await curl.close()
            try outcome.get()
        }
    }
}

/// A backend before a simulated instance, and what a test does behind its back.
struct ScaleODMBench: Sendable {
    let backend: ScaleODMBackend
    let store: S3Store
    let client: ScaleODMClient
    private let control: String
    private let curl: CurlClient

    init(
        _ url: String, control: String, store: String, _ bucket: String, _ curl: CurlClient,
        _ change: (inout ScaleODMBackendSettings) -> Void
    ) throws {
        self.control = control
        self.curl = curl
        let credentials = S3Credentials(
            accessKeyID: ScratchS3.accessKeyID, secretAccessKey: ScratchS3.secretAccessKey)
        let client = S3Client(
            S3Configuration(endpoint: try S3Endpoint(url: store)), client: curl, clock: SystemClock()
        ) { credentials }
        self.store = S3Store(client: client, bucket: bucket, prefix: "gw/", budget: S3BufferBudget())
        let port = UInt16(url.split(separator: ":").last ?? "") ?? 0
        let endpoint = NodeEndpoint(host: "127.0.0.1", port: port, token: "tok en")
        self.client = ScaleODMClient(endpoint: endpoint, client: curl)
        var settings = ScaleODMBackendSettings(slots: 4)
        change(&settings)
        backend = ScaleODMBackend(
            name: BackendName(recorded: "nyc"), settings: settings, client: self.client, copies: self.store)
    }

    /// The same backend after a restart of the gateway: it remembers nothing.
    func another() -> ScaleODMBackend {
        ScaleODMBackend(name: backend.name, settings: backend.settings, client: client, copies: store)
    }

    // MARK: A task

    /// A task with uploaded images, and its first attempt.
    func uploaded(
        _ names: [String] = ["a b.jpg", "ü.JPG", "c.tif"], options: [TaskOption] = []
    ) async throws -> (Attempt, TaskSubmission) {
        let task = TaskID(randomUUID: SystemRandomBits())
        var files: [InputFile] = []
        for (number, name) in names.enumerated() {
            let key = "\(task.key)/input/\(number)00f"
            try await store.client.put(bucket: store.bucket, key: "gw/\(key)", Array("picture \(name)".utf8))
            files.append(
                InputFile(name: name, size: ByteCount(8 + Int64(name.utf8.count)), digest: "d", storageKey: key))
        }
        var submission = TaskSubmission(
            name: "a task; of mine", options: options, skipsPostProcessing: false, outputs: nil,
            dateCreated: Timestamp(milliseconds: 0), inputs: files)
        guard let input = S3URL(bucket: store.bucket, prefix: "gw/\(task.key)/input"),
            let output = S3URL(bucket: store.bucket, prefix: "gw/\(task.key)/attempt-1")
        else { throw SimulatedScaleODM.SimulatorFailure() }
        submission.objects = ObjectSubmission(input: input, output: output, images: names.count, bytes: 100)
        return (attempt(of: task), submission)
    }

    func attempt(of task: TaskID) -> Attempt {
        Attempt(
            task: task, number: 1, backend: backend.name, backendTask: ScaleODMMark.make(SystemRandomBits()),
            state: .recorded)
    }

    /// Sends a task of uploaded images.
    func start() async throws -> (attempt: Attempt, task: BackendTaskID) {
        let (attempt, submission) = try await uploaded()
        try await backend.stage(attempt, submission)
        return (attempt, try await backend.commit(attempt))
    }

    /// Asks as the mirror does until the task has ended.
    func followed(_ task: BackendTaskID) async throws -> (info: TaskInfo, lines: [String]) {
        var lines: [String] = []
        for _ in 0..<400 {
            let info = try await backend.status(of: task, outputFrom: max(0, lines.count - 1))
            lines += (info.output ?? []).dropFirst(lines.isEmpty ? 0 : 1)
            if info.status.isFinal { return (info, lines) }
            try await SystemClock().sleep(for: .milliseconds(50))
        }
        throw SimulatedScaleODM.SimulatorFailure()
    }

    // MARK: Behind its back

    /// POST /_sim/ACTION.
    func sim(_ action: String, _ json: String) async throws {
        var request = OutboundRequest(.post, "\(control)/_sim/\(action)", body: .bytes(Array(json.utf8)))
        request.fields.append("Content-Type", "application/json")
        guard try await curl.send(request).status == 200 else { throw SimulatedScaleODM.SimulatorFailure() }
    }

    /// How often something happened, whatever it happened to.
    func effects(_ kind: String) async throws -> Int {
        let journal = try JSONValue(parsing: try await curl.send(OutboundRequest(.get, "\(control)/_sim/journal")).body)
        return (journal["effects"]?[kind]?.members ?? []).reduce(0) { $0 + (Int($1.value.integer ?? 0)) }
    }

    /// What a download brings, redirects followed.
    func download(_ source: DownloadSource) async throws -> OutboundResponse {
        var request = OutboundRequest(.get, "http://\(source.host):\(source.port)\(source.target)")
        request.followRedirects = source.redirects ? 3 : 0
        return try await curl.send(request)
    }
}
