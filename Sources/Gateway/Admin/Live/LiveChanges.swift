internal import Model
import Synchronization

/// What has changed and isn't told yet: noted by whoever changes or hears of it, on any thread, and taken by `EventStream`.
///
/// Several changes of one item are one here, so it holds no more than there are items. While nobody follows, a note costs
/// one look at a flag.
final class LiveChanges: Sendable {
    /// One changed task.
    struct Task: Sendable, Equatable {
        var id: TaskID
        /// The row's revision that shows the change; 0: memory shows it.
        var revision: Int64
    }

    /// What is to be told.
    struct Due: Sendable, Equatable {
        /// In the order in which they changed first.
        var tasks: [Task] = []
        var backends: Set<BackendName> = []
        /// Changes were missed: nothing that a client knows can be relied on.
        var isMissed = false
    }

    private struct State {
        var isFollowed = false
        var tasks: [TaskID: Int64] = [:]
        var order: [TaskID] = []
        var backends: Set<BackendName> = []
        var isMissed = false
    }

    private let state = Mutex(State())
    /// Says the same as the state, without its lock.
    private let isOn = Atomic(false)
    private let wake = WakeUp()
    /// More tasks than these are "anything may have changed".
    private let taskLimit: Int

    init(taskLimit: Int = 10_000) { self.taskLimit = taskLimit }

    /// Whether somebody follows; what is noted otherwise is forgotten.
    var isFollowed: Bool { isOn.load(ordering: .relaxed) }

    /// From now on changes are kept, or aren't any more; those from before are forgotten.
    func follow(_ isFollowed: Bool) {
        state.withLock { state in
            state = State(isFollowed: isFollowed)
            isOn.store(isFollowed, ordering: .relaxed)
        }
    }

    /// Wakes the one who tells of changes.
    func wakeUps() -> AsyncStream<Void> { wake.wakeUps() }

    // MARK: Noting

    /// A task has changed.
    /// - Parameters:
    ///   - id: the task.
    ///   - revision: its row's by which the change shows; 0 where memory shows it already.
    func note(_ id: TaskID, revision: Int64 = 0) {
        note { state in
            if let known = state.tasks[id] {
                state.tasks[id] = max(known, revision)
            } else if state.tasks.count < taskLimit {
                state.tasks[id] = revision
                state.order.append(id)
            } else {
                (state.tasks, state.order, state.isMissed) = ([:], [], true)
            }
        }
    }

    /// A backend has come, gone or changed.
    func note(_ backend: BackendName) { note { $0.backends.insert(backend) } }

    /// Anything may have changed.
    func noteMissed() { note { $0.isMissed = true } }

    private func note(_ change: (inout State) -> Void) {
        guard isFollowed else { return }
        state.withLock { if $0.isFollowed { change(&$0) } }
        wake.wake()
    }

    // MARK: Taking

    /// Takes what is to be told.
    /// - Parameter limit: no more tasks than these; the others come first the next time.
    /// - Returns: each change once.
    func take(tasks limit: Int) -> Due {
        let (due, isRest) = state.withLock { state in
            let first = state.order.prefix(limit)
            let tasks = first.map { Task(id: $0, revision: state.tasks.removeValue(forKey: $0) ?? 0) }
            state.order.removeFirst(first.count)
            let due = Due(tasks: tasks, backends: state.backends, isMissed: state.isMissed)
            (state.backends, state.isMissed) = ([], false)
            return (due, !state.order.isEmpty)
        }
        if isRest { wake.wake() }
        return due
    }
}
