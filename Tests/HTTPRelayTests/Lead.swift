import Synchronization

/// How many bytes a sender is ahead of a receiver, and was at most.
final class Lead: Sendable {
    private let state = Mutex((now: 0, largest: 0))

    /// The most that was sent and not yet received.
    var largest: Int { state.withLock { $0.largest } }

    func restart() { state.withLock { $0 = (0, 0) } }

    func sent(_ count: Int) {
        state.withLock { state in
            state.now += count
            state.largest = max(state.largest, state.now)
        }
    }

    func received(_ count: Int) { state.withLock { $0.now -= count } }
}
