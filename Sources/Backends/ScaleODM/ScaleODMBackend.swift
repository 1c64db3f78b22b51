internal import HTTPClient
public import Model
public import NodeODM
internal import Observability
public import Reactor
internal import Storage
import Synchronization

/// Another ScaleODM instance, driven by its own API.
///
/// It reads inputs from the object store and writes results there. It gives tasks names of its own, and its submission has no key
/// that would make a second one harmless: where the answer is lost the task is looked for by a mark that it was given as its
/// project's name, and whether it is *not* there can never be proven (rules: *Never twice*).
public final class ScaleODMBackend: Backend {
    struct State {
        /// Bodies that `stage` made, by mark, until they are submitted.
        var staged: [String: [UInt8]] = [:]
        /// Submissions that left and weren't answered, by mark.
        var doubtful: [String: MonotonicTime] = [:]
        /// Names that the instance gave, by mark.
        var named: [String: BackendTaskID] = [:]
        /// Marks of tasks that were looked at, by the instance's names: a name's mark never changes.
        var marks: [String: String] = [:]
        var consoles: [String: TextConsole] = [:]
        /// Consoles that couldn't be read at the end, and how often.
        var unread: [String: Int] = [:]
        /// The longest time that was told: it never falls within a run.
        var times: [String: Int64] = [:]
        /// Our tasks that hadn't ended when they were last heard of.
        var unfinished: Set<String> = []
        /// The last count of tasks that can have been true.
        var lastCount = 0
        /// Until when its user interface counts as switched off.
        var noRowsUntil: MonotonicTime?
    }

    /// As the inventory names it.
    public let name: BackendName
    let settings: ScaleODMBackendSettings
    let client: ScaleODMClient
    let copies: (any StagedCopies)?
    let clock: any WorldClock
    let state = Mutex(State())

    /// Copies of one task's files that are made at the same time.
    private static let copiesAtOnce = 8

    /// A backend.
    /// - Parameters:
    ///   - name: as the inventory names it.
    ///   - settings: what the inventory says.
    ///   - client: asks the instance.
    ///   - copies: of uploaded files; nil: only tasks whose images are their clients' own are taken.
    ///   - clock: of the world.
    public init(
        name: BackendName, settings: ScaleODMBackendSettings, client: ScaleODMClient,
        copies: (any StagedCopies)? = nil, clock: any WorldClock = SystemClock()
    ) {
        self.name = name
        self.settings = settings
        self.client = client
        self.copies = copies
        self.clock = clock
    }

    /// Another ScaleODM.
    public var kind: BackendKind { .scaleodm }

    /// Inputs and results are in the object store.
    public var worksInObjectStore: Bool { true }
    /// The names are the instance's own.
    public var choosesNames: Bool { true }

    /// A mark, until the instance has told its own name.
    public func identity(
        for task: TaskID, attempt: Int, isFresh: Bool, random: any RandomBits
    ) -> BackendTaskID {
        ScaleODMMark.make(random)
    }

    // MARK: The instance

    /// Reads /info. It counts its whole namespace, and 0 where its own list failed: with tasks of ours there that can't be.
    public func load() async throws(BackendError) -> BackendLoad {
        let info = try await asked { () throws(ScaleODMError) in try await client.info() }
        let told = Int(clamping: info.taskQueueCount)
        let unfinished = state.withLock { state in
            guard told == 0, !state.unfinished.isEmpty else {
                state.lastCount = told
                return told
            }
            return max(state.lastCount, state.unfinished.count)
        }
        return BackendLoad(
            slots: settings.slots, unfinished: unfinished,
            maxImages: [settings.mostImages, info.maxImages.map { Int(clamping: $0) }].compactMap(\.self).min(),
            engine: info.engine, engineVersion: info.engineVersion, apiVersion: info.version)
    }

    /// Asks whether the instance works behind its own face: database, cluster, object store.
    public func probe() async throws(BackendError) {
        try await asked { () throws(ScaleODMError) in try await client.heartbeat() }
    }

    /// The engine's options.
    public func options() async throws(BackendError) -> OptionCatalog { settings.catalog }

    // MARK: Starting

    /// Copies uploaded files to where the instance can read them by their names, and makes the body of the submission.
    public func stage(_ attempt: Attempt, _ submission: TaskSubmission) async throws(BackendError) {
        guard let places = submission.objects else {
            throw failure(.inputsUnreadable, "the task's inputs aren't in an object store")
        }
        var input = places.input
        guard submission.outputs == nil else { throw failure(.refused, "ScaleODM takes no list of outputs") }
        // What was uploaded lies under names that no client has a say in.
        if places.selection.takesAll {
            if let reason = ScaleODMSubmission.reasonToRefuse(submission.inputs) { throw failure(.refused, reason) }
            input = Self.placeOfCopies(attempt, places)
            do { try await copyAll(submission.inputs, into: input) } catch {
                throw (error as? BackendError) ?? failure(.cancelled, "the copying was stopped")
            }
        }
        let body = ScaleODMSubmission(
            mark: attempt.backendTask.string, options: submission.options,
            skipsPostProcessing: submission.skipsPostProcessing, places: places, input: input)
        let bytes = try await asked { () throws(ScaleODMError) in try body.body() }
        state.withLock { $0.staged[attempt.backendTask.string] = bytes }
    }

    /// A place of the attempt's own below that of the inputs, with which it goes.
    private static func placeOfCopies(_ attempt: Attempt, _ places: ObjectSubmission) -> S3URL {
        // Of a task with several folders of inputs the place is the task's, where results are too.
        let inputs = places.selection.depth > 1 ? places.input.folder("input") : places.input
        return inputs.folder("attempt-\(attempt.number)")
    }

    private func copyAll(_ files: [InputFile], into place: S3URL) async throws {
        guard let copies else { throw failure(.refused, "uploads can't be copied for it: storage.s3 isn't set") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            var rest = files.makeIterator()
            for _ in 0..<Self.copiesAtOnce {
                guard let file = rest.next() else { break }
                group.addTask { try await self.copy(file, into: place, by: copies) }
            }
            while try await group.next() != nil {
                guard let file = rest.next() else { continue }
                group.addTask { try await self.copy(file, into: place, by: copies) }
            }
        }
    }

    private func copy(
        _ file: InputFile, into place: S3URL, by copies: any StagedCopies
    ) async throws(BackendError) {
        do throws(StorageError) { try await copies.copy(file, into: place) } catch {
            switch error.code {
            case .cancelled: throw failure(.cancelled, error.message)
            case .notFound:
                throw failure(
                    .inputsMissing, "\(file.name) is no longer in the gateway's storage; upload the task again")
            default: throw failure(.inputsUnreadable, error.message)
            }
        }
    }

    /// Submits a staged attempt.
    /// - Returns: the instance's name of the task.
    /// - Throws: `outcomeUnknown` wherever it may have arrived; `uploadLost` where nothing is staged in this life.
    @discardableResult
    public func commit(_ attempt: Attempt) async throws(BackendError) -> BackendTaskID {
        let mark = attempt.backendTask.string
        let now = clock.monotonic()
        let body = state.withLock { state -> [UInt8]? in
            guard let body = state.staged.removeValue(forKey: mark) else { return nil }
            state.doubtful[mark] = now
            return body
        }
        guard let body else { throw failure(.uploadLost, "the submission isn't prepared any more") }
        do throws(ScaleODMError) {
            let task = try await client.submit(body)
            note(task, as: mark)
            return task
        } catch {
            let failure = refusal(of: error)
            if failure.code != .outcomeUnknown, failure.code != .cancelled {
                state.withLock { $0.doubtful[mark] = nil }
            }
            throw failure
        }
    }

    func note(_ task: BackendTaskID, as mark: String) {
        state.withLock { state in
            state.doubtful[mark] = nil
            state.named[mark] = task
            state.unfinished.insert(task.string)
        }
    }

    /// What a submission's failure means. Where it definitely made nothing, another backend may take the task.
    private func refusal(of error: ScaleODMError) -> BackendError {
        switch error.code {
        case .notSent, .noSuchPlace, .notFound: failure(.notSent, error.message)
        case .refused, .conflict: failure(.refused, error.message)
        case .unauthorized: failure(.unauthorized, error.message)
        case .busy: failure(.busy, error.message)
        case .cancelled: failure(.cancelled, error.message)
        case .outcomeUnknown, .malformedAnswer: failure(.outcomeUnknown, error.message)
        }
    }

    /// Says what can be said of a submission: nothing where it may have left and isn't to be found.
    /// - Returns: `discarded` where nothing was ever submitted; with `resubmit` also after the fence.
    /// - Throws: `outcomeUnknown` while the fence of `resubmit` holds.
    public func discard(_ attempt: Attempt) async throws(BackendError) -> DiscardOutcome {
        let mark = attempt.backendTask.string
        let now = clock.monotonic()
        let since = state.withLock { state -> MonotonicTime? in
            state.staged[mark] = nil
            if let since = state.doubtful[mark] { return since }
            // Of an earlier life's submission nothing is known but that it may have left just before.
            guard attempt.state == .committing || state.named[mark] != nil else { return nil }
            state.doubtful[mark] = now
            return now
        }
        guard let since else { return .discarded }
        if try await find(mark) != nil { return .wasAccepted }
        switch settings.onUnknown {
        case .hold:
            return .undecidable(
                "\(name) may have taken the task: its answer to the submission was lost, and no task there has the "
                    + "name \(mark) now. It isn't sent again by itself. Look there; if it doesn't run, release it "
                    + "with `scaleodm tasks retry`")
        case .resubmit:
            guard now - since >= settings.fence else {
                throw failure(.outcomeUnknown, "a submission that was sent may still appear")
            }
            state.withLock { $0.doubtful[mark] = nil }
            return .discarded
        }
    }

    // MARK: Control

    /// Ends a task; one that had ended has ended.
    public func cancel(_ task: BackendTaskID) async throws(BackendError) {
        let task = try await resolve(task)
        do throws(ScaleODMError) { try await client.cancel(task) } catch {
            guard error.code != .conflict else { return }
            throw failure(error)
        }
    }

    /// Has the instance forget a task. What lies in the object store is the gateway's business.
    public func remove(_ task: BackendTaskID) async throws(BackendError) {
        let task = try await resolve(task)
        try await asked { () throws(ScaleODMError) in try await client.remove(task) }
        forget(task.string)
    }

    /// A restart there would change the task's name and not tell it: it is sent anew instead.
    public func restart(_ task: BackendTaskID, options: [TaskOption]?) async throws(BackendError) {
        throw failure(.unknownTask, "a task of another ScaleODM isn't started again; it is sent anew")
    }

    /// For what isn't in the object store: the instance packs `all.zip` on the spot, and redirects to the rest.
    public func download(of task: BackendTaskID, asset: String) -> DownloadSource? {
        guard !ScaleODMMark.isOne(task), ArgoAssets.name(of: asset) != nil else { return nil }
        let endpoint = client.endpoint
        var source = DownloadSource(
            isTLS: endpoint.isTLS, host: endpoint.host, port: endpoint.port,
            target: client.downloadTarget(of: task, asset: asset), tls: client.tls)
        source.redirects = true
        return source
    }

    func forget(_ task: String) {
        state.withLock { state in
            state.consoles[task] = nil
            state.unread[task] = nil
            state.times[task] = nil
            state.unfinished.remove(task)
            if let mark = state.marks.removeValue(forKey: task) { state.named[mark] = nil }
        }
    }

    // MARK: Errors

    func failure(_ code: BackendError.Code, _ message: String) -> BackendError {
        BackendError(code, backend: name, message)
    }

    func asked<Result>(_ call: () async throws(ScaleODMError) -> Result) async throws(BackendError) -> Result {
        do throws(ScaleODMError) { return try await call() } catch { throw failure(error) }
    }

    /// What the failure of a question, or of a control call that may be repeated, means.
    func failure(_ error: ScaleODMError) -> BackendError {
        let code: BackendError.Code =
            switch error.code {
            case .notSent: .notSent
            case .outcomeUnknown: .outcomeUnknown
            case .refused, .conflict: .refused
            case .unauthorized: .unauthorized
            case .notFound: .unknownTask
            case .busy: .busy
            case .noSuchPlace, .malformedAnswer: .malformedAnswer
            case .cancelled: .cancelled
            }
        return failure(code, error.message)
    }
}
