/// How long a task waits after a counted failure: 5, 10, 20, then 40 s (rules: *Counted*).
enum CountedPause {
    /// - Parameter failures: counted failures before this one.
    /// - Returns: the pause.
    static func after(_ failures: Int) -> Duration { .seconds(5 << min(max(0, failures), 3)) }
}
