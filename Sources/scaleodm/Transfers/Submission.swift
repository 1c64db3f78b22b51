internal import Model
internal import NodeODM
import Synchronization

/// One task on its way to the gateway: init, parallel uploads, commit.
struct Submission: Sendable {
    let gateway: GatewayClient
    let files: [LocalFile]
    let fields: InitFields

    /// Uploads at once: enough to fill a line with latency, few enough for a small gateway.
    private static let lanes = 6

    /// Bytes of all files.
    var bytes: Int64 { files.reduce(0) { $0 + $1.size } }

    /// Sends all of it.
    /// - Returns: the task's uuid, once the gateway has it for good.
    func send() async throws -> BackendTaskID {
        let task = try await upload()
        try await gateway.commit(task)
        return task
    }

    /// Sends all of it but the commit: nothing is started yet, and the gateway drops what isn't committed after a while.
    /// - Returns: the task's uuid.
    func upload() async throws -> BackendTaskID {
        let task = try await gateway.open(fields)
        let progress = ProgressDisplay(
            ProgressBar(title: "Uploading", measure: .bytes(done: 0, total: bytes, rate: nil)))
        try await progress.during { try await upload(to: task, progress) }
        return task
    }

    private func upload(to task: BackendTaskID, _ progress: ProgressDisplay) async throws {
        let queue = FileQueue(files)
        try await withThrowingTaskGroup { group in
            for _ in 0..<min(Self.lanes, files.count) {
                group.addTask {
                    while let file = queue.next() {
                        try await gateway.upload(file, to: task, progress: progress)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// The files, each for one lane.
    private final class FileQueue: Sendable {
        private let files: Mutex<ArraySlice<LocalFile>>
        init(_ files: [LocalFile]) { self.files = Mutex(files[...]) }
        func next() -> LocalFile? { files.withLock { $0.popFirst() } }
    }
}
