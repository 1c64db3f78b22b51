/// When a webhook that wasn't taken is told again: after NodeODM's pauses first, then ever longer ones, for a day.
enum WebhookPauses {
    /// Counted from the end that it tells of.
    static let giveUpAfter = Duration.seconds(86_400)

    private static let longest = 3600

    /// - Parameters:
    ///   - failures: tries so far, all in vain; at least 1.
    ///   - age: since the task's end.
    /// - Returns: the pause before the next try (0, 5, 10, 15, 20 s, then doubling up to an hour); nil: it is given up.
    static func next(failures: Int, age: Duration) -> Duration? {
        guard age < giveUpAfter else { return nil }
        let before = failures - 1
        return .seconds(before < 5 ? 5 * before : min(longest, 20 << min(before - 4, 8)))
    }
}
