/// What came of taking back a staged attempt.
public enum DiscardOutcome: Sendable, Equatable {
    /// The backend has nothing of it.
    case discarded
    /// A commit had won: the backend has the task.
    case wasAccepted
    /// A commit may have won, and nothing that could be asked tells: only an operator can decide. In words, why.
    case undecidable(String)
}
