import Backends
import Model
import NodeODM
import Reactor
import Synchronization

/// A node in memory that behaves as a NodeODM node does, and misbehaves as a test wishes.
final class ScriptedBackend: Backend {
    enum Call: String { case load, options, stage, commit, discard, status, cancel, remove, restart, marked }

    /// What happens to the next call of a kind.
    enum Step: Equatable {
        /// It fails, and nothing was done.
        case fail(BackendError.Code)
        /// It is done, and its answer is lost.
        case loseAnswer
        /// It waits until `thaw` or its caller's cancellation, and is done then.
        case hang
    }

    /// A task as the node has it.
    struct Copy: Equatable {
        var code = StatusCode.running
        var images = 1
        var processingTime: Int64 = 1
        var dateCreated: Int64 = 0
        var output = ["started"]
        var error: String?
    }

    struct State {
        var slots = 1
        var foreign = 0
        var maxImages: Int?
        var isCluster = false
        /// It gives tasks names of its own, and nobody can tell whether a lost submission arrived.
        var choosesNames = false
        /// Its names by the attempts'.
        var names: [String: String] = [:]
        var restartsInPlace = true
        /// No call reaches it.
        var isSilent = false
        /// Every call hangs.
        var isFrozen = false
        /// What hangs doesn't end with its caller's cancellation, only by `thaw`.
        var isStubborn = false
        var stuck: [CheckedContinuation<Void, Never>] = []
        var script: [Call: [Step]] = [:]
        var areas: Set<String> = []
        var tasks: [String: Copy] = [:]
        /// How often each task was started.
        var starts: [String: Int] = [:]
        var calls: [String] = []
        var hanging: [AsyncStream<Void>.Continuation] = []
        /// Whether it is a kind that works in object storage.
        var worksInObjectStore = false
        /// Whether it says that it is another ScaleODM.
        var isScaleODM = false
        /// What it says carries the installation's mark.
        var marked: [MarkedRun] = []
        /// A text of an end after which another attempt is worth while.
        var worthAnother: String?
        /// What it was told of each attempt.
        var submissions: [String: TaskSubmission] = [:]
    }

    let name: BackendName
    var kind: BackendKind { now.isScaleODM ? .scaleodm : worksInObjectStore ? .argo : .nodeodm }
    private let state = Mutex(State())
    private let clock: any WorldClock

    init(_ name: String, slots: Int = 1, clock: any WorldClock, _ change: (inout State) -> Void = { _ in }) {
        self.name = BackendName(recorded: name)
        self.clock = clock
        set {
            $0.slots = slots
            change(&$0)
        }
    }

    // MARK: For tests

    func set(_ change: (inout State) -> Void) { state.withLock { change(&$0) } }
    var now: State { state.withLock { $0 } }
    func count(_ call: Call) -> Int { now.calls.count { $0.hasPrefix(call.rawValue) } }
    var startCount: Int { now.starts.values.reduce(0, +) }

    /// Lets everything that hangs go on.
    func thaw() {
        let waiting = state.withLock { state in
            state.isFrozen = false
            defer { state.hanging = [] }
            return state.hanging
        }
        for continuation in waiting { continuation.finish() }
        let stuck = state.withLock { state in
            defer { state.stuck = [] }
            return state.stuck
        }
        for continuation in stuck { continuation.resume() }
    }

    // MARK: The protocol

    var choosesNames: Bool { now.choosesNames }
    var worksInObjectStore: Bool { now.worksInObjectStore }

    func deservesAnother(after end: TaskInfo) -> Bool {
        end.errorMessage != nil && end.errorMessage == now.worthAnother
    }

    var restartsInPlace: Bool { now.restartsInPlace && !now.worksInObjectStore }

    func load() async throws(BackendError) -> BackendLoad {
        try await does(.load, "") { state -> Outcome<BackendLoad> in
            .success(
                BackendLoad(
                    slots: state.slots, unfinished: state.foreign + state.tasks.values.count { !$0.code.isFinal },
                    maxImages: state.maxImages, engine: "odm", engineVersion: "3.6.0", apiVersion: "2.2.4",
                    isCluster: state.isCluster))
        }
    }

    func options() async throws(BackendError) -> OptionCatalog {
        try await does(.options, "") { _ in .success(.engine360) }
    }

    func stage(_ attempt: Attempt, _ submission: TaskSubmission) async throws(BackendError) {
        try await does(.stage, attempt.backendTask.string) { state -> Outcome<Void> in
            state.areas.insert(attempt.backendTask.string)
            state.submissions[attempt.backendTask.string] = submission
            return .success(())
        }
    }

    func commit(_ attempt: Attempt) async throws(BackendError) -> BackendTaskID {
        let id = attempt.backendTask.string
        let created = clock.wallMilliseconds()
        return try await does(.commit, id) { state -> Outcome<BackendTaskID> in
            guard state.areas.remove(id) != nil else { return .failure(.uploadLost) }
            let name = state.choosesNames ? "own-\(state.starts.count + 1)" : id
            if state.choosesNames { state.names[id] = name }
            state.tasks[name] = Copy(dateCreated: created)
            state.starts[name, default: 0] += 1
            return .success(BackendTaskID(name))
        }
    }

    func discard(_ attempt: Attempt) async throws(BackendError) -> DiscardOutcome {
        let id = attempt.backendTask.string
        return try await does(.discard, id) { state -> Outcome<DiscardOutcome> in
            if state.tasks[state.names[id] ?? id] != nil { return .success(.wasAccepted) }
            let mayHaveLeft = state.calls.contains("\(Call.commit.rawValue) \(id)")
            if state.choosesNames, mayHaveLeft { return .success(.undecidable("nobody can tell")) }
            state.areas.remove(id)
            return .success(.discarded)
        }
    }

    func status(of task: BackendTaskID, outputFrom line: Int?) async throws(BackendError) -> TaskInfo {
        try await does(.status, task.string) { state -> Outcome<TaskInfo> in
            let name = state.names[task.string] ?? task.string
            guard let copy = state.tasks[name] else { return .failure(.unknownTask) }
            return .success(
                TaskInfo(
                    uuid: name, name: "", dateCreated: Timestamp(milliseconds: copy.dateCreated),
                    processingTime: copy.processingTime, status: copy.code, errorMessage: copy.error,
                    imagesCount: copy.images,
                    output: line.map { Array(copy.output.dropFirst($0)) }))
        }
    }

    func cancel(_ task: BackendTaskID) async throws(BackendError) {
        try await change(.cancel, task) { $0.code = .canceled }
    }

    func remove(_ task: BackendTaskID) async throws(BackendError) {
        try await does(.remove, task.string) { state -> Outcome<Void> in
            let name = state.names[task.string] ?? task.string
            return state.tasks.removeValue(forKey: name) == nil ? .failure(.unknownTask) : .success(())
        }
    }

    func restart(_ task: BackendTaskID, options: [TaskOption]?) async throws(BackendError) {
        let created = clock.wallMilliseconds()
        try await does(.restart, task.string) { state -> Outcome<Void> in
            guard state.tasks[task.string] != nil else { return .failure(.unknownTask) }
            state.tasks[task.string] = Copy(dateCreated: created)
            state.starts[task.string, default: 0] += 1
            return .success(())
        }
    }

    func markedRuns() async throws(BackendError) -> [MarkedRun] {
        try await does(.marked, "") { state -> Outcome<[MarkedRun]> in .success(state.marked) }
    }

    func download(of task: BackendTaskID, asset: String) -> DownloadSource? { nil }

    // MARK: The script

    private func change(
        _ call: Call, _ task: BackendTaskID, _ body: (inout Copy) -> Void
    ) async throws(BackendError) {
        try await does(call, task.string) { state -> Outcome<Void> in
            guard var copy = state.tasks[task.string] else { return .failure(.unknownTask) }
            body(&copy)
            state.tasks[task.string] = copy
            return .success(())
        }
    }

    private enum Outcome<Value> {
        case success(Value)
        case failure(BackendError.Code)
    }

    private func does<Value>(
        _ call: Call, _ subject: String, _ body: (inout State) -> Outcome<Value>
    ) async throws(BackendError) -> Value {
        let step = state.withLock { state -> Step? in
            state.calls.append("\(call.rawValue) \(subject)")
            if state.isSilent { return .fail(.notSent) }
            if state.isFrozen { return .hang }
            guard state.script[call]?.isEmpty == false else { return nil }
            return state.script[call]?.removeFirst()
        }
        if case .fail(let code) = step { throw BackendError(code, backend: name, "scripted \(code.rawValue)") }
        if step == .hang { try await hang() }
        let outcome = state.withLock { body(&$0) }
        if step == .loseAnswer { throw BackendError(.outcomeUnknown, backend: name, "the answer was lost") }
        switch outcome {
        case .success(let value): return value
        case .failure(let code): throw BackendError(code, backend: name, "\(call.rawValue): \(code.rawValue)")
        }
    }

    private func hang() async throws(BackendError) {
        guard !now.isStubborn else {
            return await withCheckedContinuation { continuation in state.withLock { $0.stuck.append(continuation) } }
        }
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        state.withLock { $0.hanging.append(continuation) }
        for await _ in stream {}
        if Task.isCancelled { throw BackendError(.cancelled, backend: name, "cancelled") }
    }
}
