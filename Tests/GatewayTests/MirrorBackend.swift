import Backends
import Model
import NodeODM
import Synchronization

/// A backend that answers what a test says, and tells what it was asked.
final class MirrorBackend: Backend {
    /// One task as the backend has it.
    struct Job: Sendable {
        var code = StatusCode.running
        var processingTime: Int64 = 1000
        var progress: Double = 0
        var lines: [String] = []
        var images = 1
        var error: String?
    }

    private struct State {
        var jobs: [String: Job] = [:]
        var trouble: BackendError.Code?
        var frozen: Set<String> = []
        var stubborn: [CheckedContinuation<Void, Never>]?
        var asked: [(task: BackendTaskID, line: Int?)] = []
        var loads = 0
    }

    let name: BackendName
    let kind = BackendKind.nodeodm
    private let state = Mutex(State())

    init(_ name: BackendName) { self.name = name }

    /// A task that it has; nil: it doesn't know it.
    subscript(_ task: String) -> Job? {
        get { state.withLock { $0.jobs[task] } }
        set { state.withLock { $0.jobs[task] = newValue } }
    }

    /// What every call fails with; nil: none does.
    var trouble: BackendError.Code? {
        get { state.withLock { $0.trouble } }
        set { state.withLock { $0.trouble = newValue } }
    }

    /// Questions about this task get no answer.
    func freeze(_ task: String) { state.withLock { _ = $0.frozen.insert(task) } }

    /// From now on a frozen question doesn't even end when its caller gives up; `release` ends it.
    func ignoreCancellation() { state.withLock { $0.stubborn = [] } }

    func release() {
        let waiting = state.withLock { state in
            defer { state.stubborn = nil }
            return state.stubborn ?? []
        }
        for continuation in waiting { continuation.resume() }
    }

    private func hang() async {
        guard state.withLock({ $0.stubborn != nil }) else {
            // Until the caller gives up.
            try? await Task.sleep(for: .seconds(1_000_000))
            return
        }
        await withCheckedContinuation { continuation in state.withLock { $0.stubborn?.append(continuation) } }
    }

    /// How often it was asked, about one task or in all.
    func askedCount(_ task: String? = nil) -> Int {
        state.withLock { state in state.asked.count { task == nil || $0.task.string == task } }
    }

    /// The first line that the last question wanted.
    var lastLine: Int? { state.withLock { $0.asked.last?.line } }
    /// How often its own state was asked for.
    var loads: Int { state.withLock { $0.loads } }

    func load() async throws(BackendError) -> BackendLoad {
        try fail()
        state.withLock { $0.loads += 1 }
        return BackendLoad(
            slots: 1, unfinished: 0, maxImages: nil, engine: "odm", engineVersion: "3.6.0", apiVersion: "2.2.4")
    }

    func status(of task: BackendTaskID, outputFrom line: Int?) async throws(BackendError) -> TaskInfo {
        let isFrozen = state.withLock { state in
            state.asked.append((task, line))
            return state.frozen.contains(task.string)
        }
        if isFrozen {
            await hang()
            throw BackendError(.cancelled, backend: name, "the caller gave up")
        }
        try fail()
        guard let job = self[task.string] else { throw BackendError(.unknownTask, backend: name, "\(task) not found") }
        var info = TaskInfo(
            uuid: task.string, name: "x", dateCreated: Timestamp(milliseconds: 0), processingTime: job.processingTime,
            status: job.code, errorMessage: job.error, imagesCount: job.images, progress: job.progress)
        if let line { info.output = Array(job.lines.dropFirst(line)) }
        return info
    }

    private func fail() throws(BackendError) {
        if let trouble { throw BackendError(trouble, backend: name, "the test says so") }
    }

    func options() async throws(BackendError) -> OptionCatalog { .engine360 }
    func stage(_ attempt: Attempt, _ submission: TaskSubmission) async throws(BackendError) {}
    func commit(_ attempt: Attempt) async throws(BackendError) -> BackendTaskID { attempt.backendTask }
    func discard(_ attempt: Attempt) async throws(BackendError) -> DiscardOutcome { .discarded }
    func cancel(_ task: BackendTaskID) async throws(BackendError) {}
    func remove(_ task: BackendTaskID) async throws(BackendError) {}
    func restart(_ task: BackendTaskID, options: [TaskOption]?) async throws(BackendError) {}
    func download(of task: BackendTaskID, asset: String) -> DownloadSource? { nil }
}
