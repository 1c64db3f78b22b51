public import Model

/// One step of a task from a state to another, told once it is committed; for what is counted, not for what is decided.
public struct TaskMove: Sendable, Equatable {
    /// The state that it left; nil of a new task.
    public var from: TaskState?
    /// The state that it has now; nil where its rows are deleted.
    public var to: TaskState?
    /// The backend of its current attempt.
    public var backend: BackendName?
    /// Since when it waited in the queue, or last did.
    public var queuedAt: Timestamp?
    /// When that backend took it.
    public var acceptedAt: Timestamp?
    /// When it moved.
    public var at: Timestamp

    /// Every part is given.
    public init(
        from: TaskState?, to: TaskState?, backend: BackendName? = nil, queuedAt: Timestamp? = nil,
        acceptedAt: Timestamp? = nil, at: Timestamp
    ) {
        self.from = from
        self.to = to
        self.backend = backend
        self.queuedAt = queuedAt
        self.acceptedAt = acceptedAt
        self.at = at
    }
}

/// Is told of each move by whoever made it; must be quick.
public typealias MoveObserver = @Sendable (TaskMove) -> Void
