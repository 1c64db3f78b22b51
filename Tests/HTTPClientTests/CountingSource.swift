import HTTPClient
import Synchronization

/// A body of so many bytes that remembers what was read of it.
final class CountingSource: BodySource {
    private let total: Int64
    private let state = Mutex((given: Int64(0), sum: 0))

    init(total: Int64) { self.total = total }

    var given: Int64 { state.withLock { $0.given } }
    var sum: Int { state.withLock { $0.sum } }

    func read(upTo limit: Int) async throws -> [UInt8] {
        state.withLock { state in
            let count = Int(min(Int64(limit), total - state.given))
            // A block of one value each: cheap, and a lost or doubled block shows in the sum.
            let value = UInt8(truncatingIfNeeded: state.given / 1_000 &* 31)
            state.given += Int64(count)
            state.sum &+= count &* Int(value)
            return [UInt8](repeating: value, count: count)
        }
    }

    func rewind() async throws -> Bool { false }
}

/// Something to wait for, opened once.
final class Gate: Sendable {
    private let state = Mutex((isOpen: false, waiters: [CheckedContinuation<Void, Never>]()))

    func open() {
        let waiters = state.withLock { state in
            defer { state = (true, []) }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiters.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}
