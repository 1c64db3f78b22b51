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

    /// Whether what a run made stays there, so that `restart` can go on with it.
    var restartsInPlace: Bool { get }

    /// Reads how much it can run and how much it has.
    func load() async throws(BackendError) -> BackendLoad
    /// Reads the options that its engine knows.
    func options() async throws(BackendError) -> OptionCatalog

    /// Brings the inputs there; starts nothing.
    /// - Parameters:
    ///   - attempt: carries the identity that the gateway chose.
    ///   - submission: what to run.
    /// - Throws: why the inputs aren't there; nothing was started.
    func stage(_ attempt: Attempt, _ submission: TaskSubmission) async throws(BackendError)
    /// Starts a staged attempt: the one step after which only the backend knows.
    func commit(_ attempt: Attempt) async throws(BackendError)
    /// Takes back what was staged.
    /// - Returns: whether it's gone, or a commit had won.
    func discard(_ attempt: Attempt) async throws(BackendError) -> DiscardOutcome

    /// Reads a task's state, with its console from a line on.
    /// - Parameters:
    ///   - task: as the backend calls it.
    ///   - line: index of the first console line wanted; nil asks for none.
    /// - Returns: the state, with `output` where it was asked for.
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

    /// Where an asset can be had; nil where this backend has no such asset.
    func download(of task: BackendTaskID, asset: String) -> DownloadSource?

    /// Work beside being asked, such as a watch; returns at once where there is none, else when it is cancelled.
    func run() async
}

extension Backend {
    /// Nodes do.
    public var restartsInPlace: Bool { true }

    /// Most kinds only answer.
    public func run() async {}
}
