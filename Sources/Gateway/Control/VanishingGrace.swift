internal import Reactor

/// Whether a backend has forgotten a task for good (rules, *Vanished*).
///
/// It must say so several times, over a while. Time in which it was silent proves nothing, so only the time between two
/// answers that followed on each other counts.
struct VanishingGrace: Sendable {
    /// So often the backend must say that it doesn't know the task.
    static let confirmations = 3
    /// From the first to the last of them, silence left out.
    static let duration = Duration.seconds(300)

    private var misses = 0
    private var lastMiss: MonotonicTime?
    private var elapsed = Duration.zero

    /// Whether it is certain.
    var isOver: Bool { misses >= Self.confirmations && elapsed >= Self.duration }

    /// The backend answers, and doesn't know the task.
    mutating func missed(at now: MonotonicTime) {
        if let lastMiss { elapsed += now - lastMiss }
        lastMiss = now
        misses += 1
    }

    /// The backend didn't answer.
    mutating func silent() { lastMiss = nil }

    /// The backend knows the task.
    mutating func known() { self = VanishingGrace() }
}
