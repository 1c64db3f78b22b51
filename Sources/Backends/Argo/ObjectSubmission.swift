public import Model

/// What a backend that works on an object store is told of a task's places.
public struct ObjectSubmission: Sendable, Equatable {
    /// Where the inputs are.
    public var input: S3URL
    /// Which of them are wanted.
    public var selection: InputSelection
    /// How files are called that lie there under other names: what isn't here is none of the task's. Empty: as they lie there.
    public var names: [String: String] = [:]
    /// Where this attempt's results go.
    public var output: S3URL
    /// How many images; 0 where archives hide them.
    public var images: Int
    /// Of all inputs.
    public var bytes: ByteCount
    /// As the pods reach the object store; nil: the inventory's.
    public var endpoint: String?
    /// The region; nil: the inventory's.
    public var region: String?
    /// The engine's image that a client named.
    public var engineImage: String?
    /// What a client asked for.
    public var capacity: WorkflowTask.Capacity?
    /// How often a run before died for want of memory.
    public var memoryStep = 0

    /// The parts without which there is no submission; the rest has defaults.
    public init(
        input: S3URL, selection: InputSelection = .staged, output: S3URL, images: Int, bytes: ByteCount
    ) {
        self.input = input
        self.selection = selection
        self.output = output
        self.images = images
        self.bytes = bytes
    }
}
