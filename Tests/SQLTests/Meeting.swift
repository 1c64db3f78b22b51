import Synchronization

/// Lets tasks go on together, once all have come; later ones pass.
final class Meeting: Sendable {
    private struct State {
        var missing: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }
    private let state: Mutex<State>

    init(of count: Int) { state = Mutex(State(missing: count)) }

    func wait() async {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state -> [CheckedContinuation<Void, Never>] in
                state.missing -= 1
                guard state.missing <= 0 else {
                    state.waiting.append(continuation)
                    return []
                }
                defer { state.waiting = [] }
                return state.waiting + [continuation]
            }
            for continuation in ready { continuation.resume() }
        }
    }
}

/// True once.
final class Flag: Sendable {
    private let isTaken = Atomic(false)

    func takeOnce() -> Bool { !isTaken.exchange(true, ordering: .relaxed) }
}
