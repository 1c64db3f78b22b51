internal import Reactor

/// How often a task is read on its backend.
///
/// | with `mirror.refresh` of 1 s | pause between two readings |
/// |---|---|
/// | somebody asked within the last minute | 1 s |
/// | nobody asked | 5 s |
/// | tasks wait in the queue: an end frees a slot for one | 0.5 s, whoever asks |
/// | the backend didn't answer | twice as long each time, up to 5 s |
struct ReadingPolicy: Sendable {
    /// A task that no client asked about for so long is read less often.
    static let quietAfter = Duration.seconds(60)

    /// The inventory's `mirror.refresh`.
    let refresh: Duration

    /// The longest of the pauses above.
    var longest: Duration { refresh * 5 }
    /// The shortest of them.
    var shortest: Duration { refresh / 2 }

    /// The pause from one reading's begin to the next.
    /// - Parameters:
    ///   - silence: since a client last asked about the task.
    ///   - isWaiting: whether tasks wait for a free slot.
    ///   - failures: readings in a row to which the backend gave no answer.
    /// - Returns: a pause between ``shortest`` and ``longest``.
    func pause(silence: Duration, isWaiting: Bool, failures: Int) -> Duration {
        let usual = isWaiting ? shortest : silence < Self.quietAfter ? refresh : longest
        guard failures > 0 else { return usual }
        return min(longest, usual * (1 << min(failures, 4)))
    }
}
