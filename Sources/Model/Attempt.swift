/// One try to run a task on one backend. Recorded before the backend is asked, so that an unknown outcome can be
/// settled by looking.
public struct Attempt: Sendable, Equatable {
    /// The steps of an attempt, in their order.
    public enum State: String, Sendable, CaseIterable {
        /// A backend is chosen; nothing was sent.
        case recorded
        /// Inputs are on their way; nothing was started.
        case sending
        /// Durable *before* the first byte of a commit or create leaves. Without an answer the outcome is unknown.
        case committing
        /// The backend has the task.
        case accepted
        /// Over, in whatever way.
        case ended
    }

    /// The task it belongs to.
    public var task: TaskID
    /// 1, 2, 3, … An attempt that ended before anything was sent is rewritten in place and keeps its number.
    public var number: Int
    /// The backend that was chosen.
    public var backend: BackendName
    /// The identity that the gateway chose for the task on that backend.
    public var backendTask: BackendTaskID
    /// How far it got.
    public var state: State

    /// Every part is given.
    public init(task: TaskID, number: Int, backend: BackendName, backendTask: BackendTaskID, state: State) {
        self.task = task
        self.number = number
        self.backend = backend
        self.backendTask = backendTask
        self.state = state
    }
}
