internal import Synchronization

/// Lets a few tasks at a time in, in the order they came: as many as there are connections to work with.
final class TurnGate: Sendable {
    private struct State {
        var free: Int
        var waiting: [(id: UInt64, continuation: CheckedContinuation<Bool, Never>)] = []
        var nextID: UInt64 = 0
        /// Cancelled between taking a number and starting to wait.
        var cancelled: Set<UInt64> = []
    }
    private let state: Mutex<State>

    /// - Parameter places: how many are let in at once.
    init(places: Int) { state = Mutex(State(free: places)) }

    /// Waits for a turn; balanced by `leave()`.
    /// - Throws: `.cancelled` when the task was cancelled first; it then has no turn to give back.
    func enter() async throws(DatabaseError) {
        let id = state.withLock { state -> UInt64? in
            guard state.free == 0 else {
                state.free -= 1
                return nil
            }
            state.nextID += 1
            return state.nextID
        }
        guard let id else { return }
        let isMyTurn = await withTaskCancellationHandler {
            await withCheckedContinuation { wait(id, $0) }
        } onCancel: {
            cancel(id)
        }
        state.withLock { _ = $0.cancelled.remove(id) }
        guard isMyTurn else { throw .cancelled() }
    }

    /// Hands the turn to the next.
    func leave() {
        let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard !state.waiting.isEmpty else {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst().continuation
        }
        next?.resume(returning: true)
    }

    private func wait(_ id: UInt64, _ continuation: CheckedContinuation<Bool, Never>) {
        let answer = state.withLock { state -> Bool? in
            if state.cancelled.contains(id) { return false }
            guard state.free == 0 else {  // given back since the number was taken
                state.free -= 1
                return true
            }
            state.waiting.append((id, continuation))
            return nil
        }
        if let answer { continuation.resume(returning: answer) }
    }

    private func cancel(_ id: UInt64) {
        let waiting = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard let index = state.waiting.firstIndex(where: { $0.id == id }) else {
                state.cancelled.insert(id)
                return nil
            }
            return state.waiting.remove(at: index).continuation
        }
        waiting?.resume(returning: false)
    }
}
