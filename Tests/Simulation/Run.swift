import Model

/// One time that a backend worked on a task: what counts, whatever the gateway believes.
///
/// Invariant of `@unchecked Sendable`: used on the thread of its world only.
final class Run: @unchecked Sendable {
    enum End {
        /// By itself: a result, or a failure of the engine.
        case byItself
        /// Cancelled or removed.
        case stopped
        /// With its backend.
        case died
    }

    let task: TaskID
    let backend: String
    let name: String
    let begin: Int64
    var end: End?
    /// The backend began it by itself, of a task that had ended or was no longer wanted: its own old list said otherwise.
    let isGhost: Bool
    /// The backend has lost some of its images.
    var isSpoiled = false
    /// The backend has forgotten it since, result and all.
    var isForgotten = false

    init(_ task: TaskID, on backend: String, as name: String, at begin: Int64, isGhost: Bool) {
        self.task = task
        self.backend = backend
        self.name = name
        self.begin = begin
        self.isGhost = isGhost
    }
}
