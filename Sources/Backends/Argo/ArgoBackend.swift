internal import HTTPClient
public import Model
public import NodeODM
public import Observability
public import Reactor
import Synchronization

/// An Argo cluster: each attempt is a Workflow of a name that the gateway chose, so that a create can be repeated, and an unknown
/// outcome be settled by looking.
///
/// Inputs are in the object store before it is asked, and results stay there: only manifests travel.
public final class ArgoBackend: Backend {
    /// The creates of one name.
    struct Post {
        /// When the last one left.
        var last: MonotonicTime
        /// Whether one of them may have arrived: no later refusal takes that back.
        var isDoubtful = false
        /// Whether the cluster has said that the workflow is there.
        var isAnswered = false
        /// Whether its create is on its way now: whoever sends it counts it.
        var isUnderWay = false
    }

    struct State {
        /// What `stage` made, until it is created.
        var staged: [BackendTaskID: WorkflowManifest] = [:]
        /// Creates that left in this life.
        var posted: [String: Post] = [:]
        /// Names that a get didn't find, since when and how often.
        var missed: [String: (since: MonotonicTime, count: Int)] = [:]
        /// Succeeded, and seen without their marker since.
        var unmarked: [String: MonotonicTime] = [:]
        /// First looked at without a create in this life.
        var fenced: [String: MonotonicTime] = [:]
        var consoles: [String: Console] = [:]
        /// Consoles that are followed now.
        var followed = 0
        /// Ended by us because they'd never have started.
        var stuck: [String: FailureCause] = [:]
        /// Slots that were seen to be all there are, and until when that holds.
        var learned: (slots: Int, until: MonotonicTime)?
        var told: (slots: Int?, until: MonotonicTime)?
        /// Until when a list that worked counts as proof that the address is right.
        var listed: MonotonicTime?
    }

    /// As the inventory names it.
    public let name: BackendName
    let settings: ArgoBackendSettings
    let client: ArgoClient
    let objects: (any SmallObjects)?
    let records: (any WorkflowRecords)?
    let clock: any WorldClock
    let logger: Logger?
    let watch: WorkflowWatch
    let state = Mutex(State())

    /// A backend.
    /// - Parameters:
    ///   - name: as the inventory names it.
    ///   - settings: what the inventory says.
    ///   - client: asks the cluster.
    ///   - objects: markers, consoles and descriptions in the object store; nil: those are done without.
    ///   - records: attempts whose workflows the cluster may have forgotten; nil: those are unknown.
    ///   - willBeWatched: whether ``run()`` is sure to be called soon, so that what is asked before waits for its first list.
    ///   - clock: of the world.
    ///   - random: for pauses.
    ///   - logger: for what nobody asks about.
    public init(
        name: BackendName, settings: ArgoBackendSettings, client: ArgoClient, objects: (any SmallObjects)? = nil,
        records: (any WorkflowRecords)? = nil, willBeWatched: Bool = false, clock: any WorldClock = SystemClock(),
        random: any RandomBits = SystemRandomBits(), logger: Logger? = nil
    ) {
        self.name = name
        self.settings = settings
        self.client = client
        self.objects = objects
        self.records = records
        self.clock = clock
        self.logger = logger
        watch = WorkflowWatch(
            client: client, gateway: settings.gateway, willBeWatched: willBeWatched, clock: clock, random: random,
            logger: logger)
    }

    /// Argo Workflows.
    public var kind: BackendKind { .argo }

    /// Pods read and write there.
    public var worksInObjectStore: Bool { true }

    /// The workflow's name, from which nothing is free: a repeated create must meet its own workflow.
    public func identity(
        for task: TaskID, attempt: Int, isFresh: Bool, random: any RandomBits
    ) -> BackendTaskID {
        WorkflowName.of(task, attempt: attempt) ?? BackendTaskID(WorkflowName.fresh(random))
    }

    /// A want of memory, where the inventory allows another attempt with the next size.
    public func deservesAnother(after end: TaskInfo) -> Bool {
        settings.retriesOutOfMemory && end.status == .failed && end.errorMessage == FailureCause.outOfMemory.message
    }

    /// The engine's options: the cluster itself has no list.
    public func options() async throws(BackendError) -> OptionCatalog { settings.catalog }

    // MARK: Starting

    /// Makes the manifest; nothing of it reaches the cluster, the inputs being where the pods read them.
    public func stage(_ attempt: Attempt, _ submission: TaskSubmission) async throws(BackendError) {
        guard let places = submission.objects else {
            throw failure(.inputsUnreadable, "the task's inputs aren't in an object store")
        }
        let manifest: WorkflowManifest
        do throws(ManifestError) {
            manifest = try WorkflowManifest(
                Self.task(attempt, submission, places), profile: settings.profile, gateway: settings.gateway,
                documents: settings.documents)
        } catch {
            throw failure(.refused, error.message)
        }
        if let document = manifest.document {
            guard let objects else { throw failure(.refused, "the options are longer than a workflow takes") }
            do { try await objects.write(document.bytes, document.name, in: document.place) } catch {
                throw failure(.inputsUnreadable, "the task's description can't be stored: \(error)")
            }
        }
        state.withLock { $0.staged[attempt.backendTask] = manifest }
    }

    private static func task(
        _ attempt: Attempt, _ submission: TaskSubmission, _ places: ObjectSubmission
    ) -> WorkflowTask {
        var task = WorkflowTask(
            task: attempt.task, attempt: attempt.number, workflow: attempt.backendTask, options: submission.options,
            images: places.images, bytes: places.bytes, input: places.input, selection: places.selection,
            output: places.output)
        let outputs = submission.outputs.flatMap { try? JSONValue(parsing: $0) }?.array ?? []
        task.outputs = outputs.compactMap(\.text)
        task.names = places.names
        task.endpoint = places.endpoint
        task.region = places.region
        task.engineImage = places.engineImage
        task.capacity = places.capacity
        task.memoryStep = places.memoryStep
        return task
    }

    /// Creates the workflow. A name that is taken by our own attempt is success: an earlier create had arrived.
    /// - Throws: `uploadLost` where nothing is staged in this life: it must be staged again.
    @discardableResult
    public func commit(_ attempt: Attempt) async throws(BackendError) -> BackendTaskID {
        let name = attempt.backendTask.string
        guard let manifest = state.withLock({ $0.staged[attempt.backendTask] }) else {
            throw failure(.uploadLost, "the workflow isn't prepared any more")
        }
        let now = clock.monotonic()
        let wasDoubtful = state.withLock { $0.posted[name]?.isDoubtful ?? false }
        // A create that nobody answers leaves its outcome unknown, and its task can't go elsewhere: to who is known not to answer
        // nothing is sent.
        if let outage = watch.outage, outage.code.isSilence {
            throw doubted(failure(.notSent, "the cluster doesn't answer: \(outage.message)"), name, wasDoubtful)
        }
        state.withLock { $0.posted[name] = Post(last: now, isDoubtful: true, isUnderWay: true) }
        defer { state.withLock { $0.posted[name]?.isUnderWay = false } }
        do throws(ArgoError) {
            watch.note(try await client.create(manifest.json))
        } catch {
            guard error.code == .conflict else {
                if error.code.isSilence { watch.doubt() }
                throw doubted(refusal(of: error), name, wasDoubtful)
            }
            try await acceptExisting(attempt)
        }
        state.withLock { state in
            state.staged[attempt.backendTask] = nil
            state.posted[name] = Post(last: now, isAnswered: true)
        }
        return attempt.backendTask
    }

    /// A refusal speaks of its own create alone: where an earlier one may have arrived, the doubt stays (the Argo contract, 5.1).
    private func doubted(_ failure: BackendError, _ name: String, _ wasDoubtful: Bool) -> BackendError {
        guard failure.code != .outcomeUnknown, failure.code != .cancelled else { return failure }
        guard wasDoubtful else {
            state.withLock { $0.posted[name] = nil }
            return failure
        }
        // A cluster that refuses the object for good won't take it by asking again: absence must be proven.
        return self.failure(failure.code == .refused ? .uploadLost : .outcomeUnknown, failure.message)
    }

    /// What a create's failure means. Where it definitely made nothing, another backend may take the task.
    private func refusal(of error: ArgoError) -> BackendError {
        switch error.code {
        case .notSent, .noSuchPlace, .notFound: failure(.notSent, error.message)
        case .refused: failure(.refused, error.message)
        case .unauthorized, .forbidden: failure(.unauthorized, error.message)
        case .busy: failure(.busy, error.message)
        case .cancelled: failure(.cancelled, error.message)
        case .outcomeUnknown, .malformedAnswer, .conflict, .gone, .alreadyOver: failure(.outcomeUnknown, error.message)
        }
    }

    private func acceptExisting(_ attempt: Attempt) async throws(BackendError) {
        let existing: WorkflowObject
        do throws(ArgoError) { existing = try await client.get(attempt.backendTask.string) } catch {
            throw failure(.outcomeUnknown, "the name is taken, and by what can't be told: \(error.message)")
        }
        guard isOurs(existing, attempt) else {
            throw failure(.refused, "the name \(attempt.backendTask) is taken by another workflow")
        }
        watch.note(existing)
    }

    private func isOurs(_ workflow: WorkflowObject, _ attempt: Attempt) -> Bool {
        workflow.isOwned(by: settings.gateway)
            && workflow.labels[WorkflowManifest.Mark.task]?.lowercased() == attempt.task.key
            && workflow.labels[WorkflowManifest.Mark.attempt] == String(attempt.number)
    }

    /// Proves that there is no workflow of the attempt, and will be none (the Argo contract, 5.1).
    ///
    /// A create that left may arrive until the fence has passed; until then this says `outcomeUnknown`. After it one more get, in
    /// a namespace whose list works, decides.
    /// - Returns: whether it's proven, or the workflow is there.
    /// - Throws: `outcomeUnknown` where it must be asked again later.
    public func discard(_ attempt: Attempt) async throws(BackendError) -> DiscardOutcome {
        let name = attempt.backendTask.string
        let now = clock.monotonic()
        let since: MonotonicTime? = state.withLock { state in
            state.staged[attempt.backendTask] = nil
            if let posted = state.posted[name] { return posted.last }
            // Of an earlier life's create nothing is known but that it may have left just before.
            guard attempt.state == .committing else { return nil }
            let first = state.fenced[name] ?? now
            state.fenced[name] = first
            return first
        }
        guard let since else { return .discarded }
        do throws(BackendError) {
            _ = try await status(of: attempt.backendTask, outputFrom: nil)
            return .wasAccepted
        } catch {
            guard error.code == .unknownTask else { throw error }
        }
        guard now - since >= settings.createFence else {
            throw failure(.outcomeUnknown, "a create that was sent may still arrive")
        }
        state.withLock { state in
            state.posted[name] = nil
            state.fenced[name] = nil
        }
        return .discarded
    }

    // MARK: Control

    /// Terminates the workflow; consoles and object stay.
    public func cancel(_ task: BackendTaskID) async throws(BackendError) {
        do throws(ArgoError) { try await client.terminate(task.string) } catch {
            switch error.code {
            case .alreadyOver: return
            case .notFound: _ = try await status(of: task, outputFrom: nil)
            default: throw failure(error)
            }
        }
    }

    /// Deletes the workflow and its archived copy. Results in the object store are the gateway's business.
    /// - Throws: `unknownTask` where it isn't there: deleted already, or not there yet, which only the caller can tell.
    public func remove(_ task: BackendTaskID) async throws(BackendError) {
        do throws(ArgoError) {
            let workflow = try await client.get(task.string)
            guard workflow.isOwned(by: settings.gateway) else { return }
            try await client.delete(task.string, uid: workflow.uid)
        } catch {
            guard error.code == .notFound else { throw failure(error) }
            try await proveAddress()
            watch.forget(task.string)
            forget(task.string)
            throw failure(.unknownTask, "the workflow isn't there")
        }
        watch.forget(task.string)
        forget(task.string)
    }

    /// Pods and workspace are gone with the run.
    public var restartsInPlace: Bool { false }

    /// There is no restart in place: pods and workspace are gone with the run.
    public func restart(_ task: BackendTaskID, options: [TaskOption]?) async throws(BackendError) {
        throw failure(.unknownTask, "a workflow isn't started again; the task is sent anew")
    }

    /// Results lie in the object store: see ``ArgoAssets``.
    public func download(of task: BackendTaskID, asset: String) -> DownloadSource? { nil }

    func forget(_ name: String) {
        state.withLock { state in
            state.posted[name] = nil
            state.missed[name] = nil
            state.fenced[name] = nil
            state.consoles[name] = nil
            state.stuck[name] = nil
            state.unmarked[name] = nil
        }
    }

    // MARK: Errors

    func failure(_ code: BackendError.Code, _ message: String) -> BackendError {
        BackendError(code, backend: name, message)
    }

    /// What the failure of a read, or of a control call that may be repeated, means.
    func failure(_ error: ArgoError) -> BackendError {
        let code: BackendError.Code =
            switch error.code {
            case .notSent: .notSent
            case .outcomeUnknown: .outcomeUnknown
            case .refused, .malformedAnswer, .noSuchPlace, .gone, .conflict, .alreadyOver: .malformedAnswer
            case .unauthorized, .forbidden: .unauthorized
            case .busy: .busy
            case .notFound: .unknownTask
            case .cancelled: .cancelled
            }
        return failure(code, error.message)
    }

    /// A wrong base path, namespace or token makes everything unknown: only where the list works does a 404 speak of the task.
    func proveAddress() async throws(BackendError) {
        let now = clock.monotonic()
        if let listed = state.withLock({ $0.listed }), now < listed { return }
        do throws(ArgoError) { _ = try await client.probe() } catch {
            throw failure(
                error.code == .notFound ? .malformedAnswer : failure(error).code,
                "the workflow isn't there, but neither does a list work: \(error.message)")
        }
        state.withLock { $0.listed = now + .seconds(30) }
    }
}
