/// What becomes of a started task that its backend no longer knows.
public enum VanishedPolicy: String, Sendable, CaseIterable {
    /// It runs again, elsewhere or there.
    case rerun
    /// It fails.
    case fail
}
