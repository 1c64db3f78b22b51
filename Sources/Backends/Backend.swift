public import Model
public import NodeODM

/// A destination of tasks: what the gateway can ask of an Argo cluster, another ScaleODM or a NodeODM node alike.
///
/// What differs between the kinds lives behind this protocol; nobody above it asks for the kind.
public protocol Backend: Sendable {
    /// As the inventory names it.
    var name: BackendName { get }
    /// For eligibility rules and the admin API.
    var kind: BackendKind { get }

    /// Whether its inputs and results are in the object store: it is told places rather than sent files, each attempt has an output
    /// place, nothing can be lost on the way, and it holds no project that a restart could go on with.
    var worksInObjectStore: Bool { get }

    /// The name of an attempt on this backend, chosen and recorded before it is asked.
    /// - Parameters:
    ///   - task: as clients know it.
    ///   - attempt: 1, 2, 3, …
    ///   - isFresh: whether it must be one that was never used, wherever the backend's names can be chosen freely.
    ///   - random: for fresh names.
    /// - Returns: where a name follows from task and number, the same each time.
    func identity(
        for task: TaskID, attempt: Int, isFresh: Bool, random: any RandomBits
    ) -> BackendTaskID
    /// Whether what a run made stays there, so that `restart` can go on with it.
    var restartsInPlace: Bool { get }

    /// Reads how much it can run and how much it has.
    func load() async throws(BackendError) -> BackendLoad
    /// Looks for what the load doesn't show, for a person who asks whether the backend works.
    func probe() async throws(BackendError)
    /// Reads the options that its engine knows.
    func options() async throws(BackendError) -> OptionCatalog

    /// Brings the inputs there; starts nothing.
    /// - Parameters:
    ///   - attempt: carries the identity that the gateway chose.
    ///   - submission: what to run.
    /// - Throws: why the inputs aren't there; nothing was started.
    func stage(_ attempt: Attempt, _ submission: TaskSubmission) async throws(BackendError)
    /// Whether it gives tasks names of its own choosing. The name of an attempt is then only a mark, by which `status` finds the
    /// task while its own name isn't known; and since nothing tells two submissions apart, none is ever repeated.
    var choosesNames: Bool { get }
    /// Starts a staged attempt: the one step after which only the backend knows.
    /// - Returns: the task's name there: the attempt's, unless the backend chooses names.
    @discardableResult
    func commit(_ attempt: Attempt) async throws(BackendError) -> BackendTaskID
    /// Takes back what was staged.
    /// - Returns: whether it's gone, or a commit had won.
    func discard(_ attempt: Attempt) async throws(BackendError) -> DiscardOutcome

    /// Reads a task's state, with its console from a line on.
    /// - Parameters:
    ///   - task: as the backend calls it.
    ///   - line: index of the first console line wanted; nil asks for none.
    /// - Returns: the state, with `output` where it was asked for; its `uuid` is the task's name there.
    /// - Throws: `unknownTask` only where the backend says so of this very task.
    func status(of task: BackendTaskID, outputFrom line: Int?) async throws(BackendError) -> TaskInfo
    /// Asks for the end of a task.
    func cancel(_ task: BackendTaskID) async throws(BackendError)
    /// Asks the backend to forget a task and what it made.
    func remove(_ task: BackendTaskID) async throws(BackendError)
    /// Runs an ended task again in place.
    /// - Parameters:
    ///   - task: as the backend calls it.
    ///   - options: replaces the old ones; nil keeps them.
    /// - Throws: `outcomeUnknown` where it may have been started.
    func restart(_ task: BackendTaskID, options: [TaskOption]?) async throws(BackendError)

    /// Whether a run that ended so is worth one more attempt, with more of what it lacked.
    /// - Parameter end: what the backend said of the end.
    /// - Returns: false where the same would come to the same end.
    func deservesAnother(after end: TaskInfo) -> Bool

    /// Where an asset can be had; nil where this backend has no such asset.
    func download(of task: BackendTaskID, asset: String) -> DownloadSource?

    /// All runs there that carry this installation's mark, whether the record knows them or not; none where runs carry no mark.
    func markedRuns() async throws(BackendError) -> [MarkedRun]

    /// Work beside being asked, such as a watch; returns at once where there is none, else when it is cancelled.
    func run() async
}

extension Backend {
    /// The load of most kinds shows all there is to see.
    public func probe() async throws(BackendError) {}
    /// Most kinds take the gateway's names.
    public var choosesNames: Bool { false }
    /// What is in the object store isn't with the backend.
    public var restartsInPlace: Bool { !worksInObjectStore }

    /// Most kinds don't mark what is sent to them.
    public func markedRuns() async throws(BackendError) -> [MarkedRun] { [] }

    /// Most kinds only answer.
    public func run() async {}

    /// Nodes are sent files, and keep what they make of them.
    public var worksInObjectStore: Bool { false }

    /// A NodeODM node takes UUIDs only: the task's own at first, another for each later attempt.
    public func identity(
        for task: TaskID, attempt: Int, isFresh: Bool, random: any RandomBits
    ) -> BackendTaskID {
        BackendTaskID(attempt == 1 && !isFresh && task.isUUID ? task.string : TaskID(randomUUID: random).string)
    }

    /// The same would come to the same end.
    public func deservesAnother(after end: TaskInfo) -> Bool { false }
}
