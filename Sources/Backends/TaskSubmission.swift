public import Model
public import NodeODM

/// What a backend is asked to run.
public struct TaskSubmission: Sendable {
    /// For display on the backend.
    public var name: String
    /// Validated options, filtered to those that the backend's engine knows.
    public var options: [TaskOption]
    /// Whether point cloud tiles and the like are left out.
    public var skipsPostProcessing: Bool
    /// JSON array of the paths that all.zip shall hold; nil for the default set.
    public var outputs: String?
    /// Shown by the backend too.
    public var dateCreated: Timestamp
    /// The stored inputs.
    public var inputs: [InputFile]
    /// The same inputs and the results as places in an object store, for kinds that work there; nil: they can't take the task.
    public var objects: ObjectSubmission?

    /// Every part is given.
    public init(
        name: String, options: [TaskOption], skipsPostProcessing: Bool, outputs: String?, dateCreated: Timestamp,
        inputs: [InputFile]
    ) {
        self.name = name
        self.options = options
        self.skipsPostProcessing = skipsPostProcessing
        self.outputs = outputs
        self.dateCreated = dateCreated
        self.inputs = inputs
    }
}
