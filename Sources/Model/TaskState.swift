/// Where a task is in its life. Every change between two states is one guarded SQL statement.
public enum TaskState: String, Sendable, CaseIterable {
    /// init was accepted, files are arriving in storage.
    case receiving
    /// Committed, durable, waiting for a backend.
    case queued
    /// A backend is chosen and recorded, the inputs are on their way.
    case dispatching
    /// The backend has accepted it; its own status is what clients see.
    case placed
    /// Ended well.
    case completed
    /// Ended with an error.
    case failed
    /// Ended by its owner.
    case canceled

    /// True once nothing more will happen to the task, unless its owner restarts it.
    public var isFinal: Bool {
        switch self {
        case .receiving, .queued, .dispatching, .placed: false
        case .completed, .failed, .canceled: true
        }
    }
}
