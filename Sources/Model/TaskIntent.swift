/// What a task's owner asked for and the gateway still carries out. Recorded and answered at once.
public enum TaskIntent: String, Sendable {
    /// Nothing beyond running it.
    case none
    /// End it; shows 50 from the moment it is recorded.
    case cancel
    /// Forget it, with its inputs and results.
    case remove
    /// Run it again, once the earlier attempt is known to have ended.
    case restart
}
