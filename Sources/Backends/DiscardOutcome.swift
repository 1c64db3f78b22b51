/// What came of taking back a staged attempt.
public enum DiscardOutcome: Sendable, Equatable {
    /// The backend has nothing of it.
    case discarded
    /// A commit had won: the backend has the task.
    case wasAccepted
}
