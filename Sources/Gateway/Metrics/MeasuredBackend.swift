internal import Backends
internal import Model
internal import NodeODM

/// A backend whose operations are counted and timed.
///
/// Every requirement is handed on, those with a default too: the kind behind has its own answer.
struct MeasuredBackend: Backend {
    let backend: any Backend
    let counts: UpstreamCounts

    /// Counts what a backend is asked from now on.
    init(_ backend: any Backend, _ metrics: UpstreamMetrics) {
        self.backend = backend
        counts = metrics.counts(of: backend.name)
    }

    var name: BackendName { backend.name }
    var kind: BackendKind { backend.kind }
    var worksInObjectStore: Bool { backend.worksInObjectStore }
    var restartsInPlace: Bool { backend.restartsInPlace }
    var choosesNames: Bool { backend.choosesNames }

    func identity(
        for task: TaskID, attempt: Int, isFresh: Bool, random: any RandomBits
    ) -> BackendTaskID {
        backend.identity(for: task, attempt: attempt, isFresh: isFresh, random: random)
    }

    func load() async throws(BackendError) -> BackendLoad {
        try await counts.measure(.load) { () throws(BackendError) in try await backend.load() }
    }

    func probe() async throws(BackendError) { try await backend.probe() }

    func options() async throws(BackendError) -> OptionCatalog {
        try await counts.measure(.options) { () throws(BackendError) in try await backend.options() }
    }

    func stage(_ attempt: Attempt, _ submission: TaskSubmission) async throws(BackendError) {
        try await counts.measure(.stage) { () throws(BackendError) in try await backend.stage(attempt, submission) }
    }

    @discardableResult
    func commit(_ attempt: Attempt) async throws(BackendError) -> BackendTaskID {
        try await counts.measure(.commit) { () throws(BackendError) in try await backend.commit(attempt) }
    }

    func discard(_ attempt: Attempt) async throws(BackendError) -> DiscardOutcome {
        try await counts.measure(.discard) { () throws(BackendError) in try await backend.discard(attempt) }
    }

    func status(of task: BackendTaskID, outputFrom line: Int?) async throws(BackendError) -> TaskInfo {
        try await counts.measure(.status) { () throws(BackendError) in
            try await backend.status(of: task, outputFrom: line)
        }
    }

    func cancel(_ task: BackendTaskID) async throws(BackendError) {
        try await counts.measure(.cancel) { () throws(BackendError) in try await backend.cancel(task) }
    }

    func remove(_ task: BackendTaskID) async throws(BackendError) {
        try await counts.measure(.remove) { () throws(BackendError) in try await backend.remove(task) }
    }

    func restart(_ task: BackendTaskID, options: [TaskOption]?) async throws(BackendError) {
        try await counts.measure(.restart) { () throws(BackendError) in
            try await backend.restart(task, options: options)
        }
    }

    func deservesAnother(after end: TaskInfo) -> Bool { backend.deservesAnother(after: end) }

    func download(of task: BackendTaskID, asset: String) -> DownloadSource? {
        backend.download(of: task, asset: asset)
    }

    func markedRuns() async throws(BackendError) -> [MarkedRun] { try await backend.markedRuns() }

    func run() async { await backend.run() }
}
