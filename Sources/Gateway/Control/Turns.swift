import Synchronization

/// Lets one go at a time, in the order in which they came: an actor takes up something else wherever it waits.
final class Turns: Sendable {
    private struct State {
        var isBusy = false
        var waiting: [UnsafeContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// Waits for everybody before, and does the work alone.
    func take<Result>(_ work: () async throws -> Result) async rethrows -> Result {
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            let isFree = state.withLock { state in
                if state.isBusy { state.waiting.append(continuation) }
                defer { state.isBusy = true }
                return !state.isBusy
            }
            if isFree { continuation.resume() }
        }
        defer {
            let next = state.withLock { state -> UnsafeContinuation<Void, Never>? in
                if state.waiting.isEmpty {
                    state.isBusy = false
                    return nil
                }
                return state.waiting.removeFirst()
            }
            next?.resume()
        }
        return try await work()
    }
}
