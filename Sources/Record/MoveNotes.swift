import Model
import Synchronization

/// The moves that one transition makes, kept until it is committed.
final class MoveNotes: Sendable {
    private let moves = Mutex<[TaskMove]>([])

    /// Notes one.
    func add(_ move: TaskMove) { moves.withLock { $0.append(move) } }

    /// Forgets those of a body that the database wants to run again.
    func clear() { moves.withLock { $0 = [] } }

    /// Tells of them.
    func tell(_ observer: MoveObserver) {
        for move in moves.withLock({ $0 }) { observer(move) }
    }
}

extension Transition {
    /// Notes that a task goes from the state in which it was read to another one; nil where its rows go.
    func moved(_ task: TaskRecord, to state: TaskState?) {
        guard task.state != state else { return }
        note(
            TaskMove(
                from: task.state, to: state, backend: task.attempt?.backend, queuedAt: task.queuedAt,
                acceptedAt: task.attempt?.acceptedAt, at: at))
    }

    /// Notes that a backend is chosen for a task.
    func dispatched(_ task: TaskRecord, _ attempt: AttemptRecord) {
        note(
            TaskMove(
                from: task.state, to: .dispatching, backend: attempt.backend, queuedAt: task.queuedAt, at: at))
    }

    /// Notes a move.
    func note(_ move: TaskMove) { moves?.add(move) }
}
