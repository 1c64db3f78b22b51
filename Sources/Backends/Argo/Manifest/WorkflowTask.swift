public import Model
public import NodeODM

/// What one attempt's workflow is to do.
public struct WorkflowTask: Sendable, Equatable {
    /// Which class of capacity a client asked for.
    public enum Capacity: String, Sendable, CaseIterable {
        /// May be taken away.
        case spot
        /// Stays.
        case onDemand = "on-demand"
    }

    /// As clients know it.
    public var task: TaskID
    /// 1, 2, 3, …
    public var attempt: Int
    /// The workflow's name.
    public var workflow: BackendTaskID
    /// Validated, filtered to what the engine knows.
    public var options: [TaskOption]
    /// Paths that all.zip shall hold; empty for the default set.
    public var outputs: [String]
    /// How many images; 0 where archives hide them.
    public var images: Int
    /// Of all inputs.
    public var bytes: ByteCount
    /// Where the inputs are.
    public var input: S3URL
    /// Which of them are wanted.
    public var selection: InputSelection
    /// How files are called that lie in `input` under other names: what isn't here is none of the task's. Empty: as they lie there.
    public var names: [String: String] = [:]
    /// Where the results go.
    public var output: S3URL
    /// As the pods reach the object store; nil: the inventory's.
    public var endpoint: String?
    /// The region; nil: the inventory's.
    public var region: String?
    /// The engine's image that a client named.
    public var engineImage: String?
    /// What a client asked for; nil: the inventory's placement alone.
    public var capacity: Capacity?
    /// How often a run before died for want of memory.
    public var memoryStep: Int

    /// The parts without which there is no workflow; the rest has defaults.
    public init(
        task: TaskID, attempt: Int, workflow: BackendTaskID, options: [TaskOption], images: Int, bytes: ByteCount,
        input: S3URL, selection: InputSelection = .staged, output: S3URL
    ) {
        self.task = task
        self.attempt = attempt
        self.workflow = workflow
        self.options = options
        outputs = []
        self.images = images
        self.bytes = bytes
        self.input = input
        self.selection = selection
        self.output = output
        memoryStep = 0
    }
}
