public import Reactor
import Synchronization

/// A clock that a test turns by hand. Sleepers wake in the order of their moments.
public final class ManualClock: WorldClock {
    private struct Sleeper {
        let id: UInt64
        let due: Int64
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now: Int64 = 1_000_000_000
        var lastID: UInt64 = 0
        var sleepers: [Sleeper] = []
        var cancelled: Set<UInt64> = []
        var watchers: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let wallStart: Int64

    /// Starts at rest.
    /// - Parameter wallMilliseconds: what the wall clock shows at first.
    public init(wallMilliseconds: Int64 = 1_700_000_000_000) { wallStart = wallMilliseconds }

    /// The moment that was set.
    public func monotonic() -> MonotonicTime { MonotonicTime(nanoseconds: state.withLock { $0.now }) }

    /// The wall clock moves with it.
    public func wallMilliseconds() -> Int64 { wallStart + (state.withLock { $0.now } - 1_000_000_000) / 1_000_000 }

    /// Suspends until the clock was advanced so far.
    public func sleep(for duration: Duration) async throws {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let watchers: [CheckedContinuation<Void, Never>]? = state.withLock { state in
                    guard !state.cancelled.contains(id) else { return nil }
                    let due = state.now + duration.inNanoseconds
                    state.sleepers.append(Sleeper(id: id, due: due, continuation: continuation))
                    defer { state.watchers = [] }
                    return state.watchers
                }
                guard let watchers else { return continuation.resume(throwing: CancellationError()) }
                for watcher in watchers { watcher.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { state -> Sleeper? in
                guard let index = state.sleepers.firstIndex(where: { $0.id == id }) else {
                    state.cancelled.insert(id)
                    return nil
                }
                return state.sleepers.remove(at: index)
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Moves time ahead and wakes who is due, earliest first.
    public func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.now += duration.inNanoseconds
            let due = state.sleepers.filter { $0.due <= state.now }.sorted { $0.due < $1.due }
            state.sleepers.removeAll { $0.due <= state.now }
            return due
        }
        for sleeper in due { sleeper.continuation.resume() }
    }

    /// Waits until somebody sleeps: the event that a test awaits before it advances the clock.
    public func untilSomebodySleeps() async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.sleepers.isEmpty { state.watchers.append(continuation) }
                return !state.sleepers.isEmpty
            }
            if isThere { continuation.resume() }
        }
    }
}
