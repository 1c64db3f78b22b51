public import Model
import Synchronization

/// The memory that all uploads to object stores share: whoever finds none left waits, and so does his client.
///
/// A part's buffer is reserved whole before its first byte. Waiters are served in their order. While another task waits, a
/// task holds at most a quarter, or one buffer, so that one with many connections can't keep the others out.
public final class S3BufferBudget: Sendable {
    private struct Waiter {
        let id: UInt64
        let bytes: Int
        let owner: String
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var used = 0
        var held: [String: Int] = [:]
        var waiters: [Waiter] = []
        var lastID: UInt64 = 0
    }

    /// All buffers together, in bytes.
    let total: Int
    private let state = Mutex(State())

    /// The smallest part that S3 takes, unless it is the last.
    static let smallestPart = 5 << 20
    /// The largest part that is used.
    static let largestPart = 32 << 20

    /// A budget of its own; one for the whole gateway is meant.
    /// - Parameter total: at least one part of 5 MiB is had from anything less.
    public init(_ total: ByteCount = .mebibytes(48)) {
        self.total = max(Self.smallestPart, Int(clamping: total.bytes))
    }

    /// How much is reserved now.
    public var inUse: ByteCount { ByteCount(Int64(state.withLock { $0.used })) }
    /// How many buffers are waited for.
    public var waiting: Int { state.withLock { $0.waiters.count } }

    /// How large a part of an object is: 5 MiB, doubling every 1,000 parts up to 32 MiB, which makes 253 GiB in 10,000.
    /// - Parameter number: from 1 on.
    /// - Returns: bytes.
    func partSize(_ number: Int) -> Int {
        min(Self.smallestPart << min(3, max(0, number - 1) / 1000), Self.largestPart, total)
    }

    /// Waits for a buffer.
    /// - Parameters:
    ///   - bytes: all that the buffer will hold.
    ///   - owner: the task that it is for.
    /// - Returns: the buffer's share, for as long as it is held.
    /// - Throws: `.cancelled` when the calling task is cancelled meanwhile.
    func reserve(_ bytes: Int, for owner: String) async throws(StorageError) -> S3Reservation {
        let bytes = min(bytes, total)
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        let isGranted = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                enqueue(Waiter(id: id, bytes: bytes, owner: owner, continuation: continuation))
            }
        } onCancel: {
            cancel(id)
        }
        guard isGranted else { throw StorageError(.cancelled, "the wait for an upload's buffer was cancelled") }
        return S3Reservation(bytes: bytes, owner: owner, budget: self)
    }

    /// Takes a buffer if one is free and nobody waits.
    func reserveAtOnce(_ bytes: Int, for owner: String) -> S3Reservation? {
        let bytes = min(bytes, total)
        let isGranted = state.withLock { state in
            guard state.waiters.isEmpty, state.used + bytes <= total else { return false }
            Self.add(bytes, owner, to: &state)
            return true
        }
        return isGranted ? S3Reservation(bytes: bytes, owner: owner, budget: self) : nil
    }

    fileprivate func giveBack(_ bytes: Int, of owner: String) {
        resume(
            state.withLock { state in
                Self.add(-bytes, owner, to: &state)
                return grant(&state)
            })
    }

    private func enqueue(_ waiter: Waiter) {
        resume(
            state.withLock { state in
                state.waiters.append(waiter)
                return grant(&state)
            })
        // One that came before the waiter was in the list found nothing to cancel.
        if Task.isCancelled { cancel(waiter.id) }
    }

    private func cancel(_ id: UInt64) {
        let (waiter, granted) = state.withLock { state -> (Waiter?, [Waiter]) in
            guard let index = state.waiters.firstIndex(where: { $0.id == id }) else { return (nil, []) }
            let waiter = state.waiters.remove(at: index)
            return (waiter, grant(&state))
        }
        waiter?.continuation.resume(returning: false)
        resume(granted)
    }

    /// Serves all waiters that can be served now, in their order.
    private func grant(_ state: inout State) -> [Waiter] {
        var granted: [Waiter] = []
        var index = 0
        while index < state.waiters.count {
            let waiter = state.waiters[index]
            let held = state.held[waiter.owner] ?? 0
            let othersWait = state.waiters.contains { $0.owner != waiter.owner }
            if othersWait, held > 0, held + waiter.bytes > total / 4 {
                index += 1
                continue
            }
            // Those behind it would keep a large one waiting for ever.
            guard state.used + waiter.bytes <= total else { break }
            state.waiters.remove(at: index)
            Self.add(waiter.bytes, waiter.owner, to: &state)
            granted.append(waiter)
            index = 0
        }
        return granted
    }

    private func resume(_ waiters: [Waiter]) {
        for waiter in waiters { waiter.continuation.resume(returning: true) }
    }

    private static func add(_ bytes: Int, _ owner: String, to state: inout State) {
        state.used += bytes
        let held = (state.held[owner] ?? 0) + bytes
        state.held[owner] = held > 0 ? held : nil
    }
}

/// A part of the budget, given back with its last reference.
final class S3Reservation: Sendable {
    let bytes: Int
    private let owner: String
    private let budget: S3BufferBudget

    fileprivate init(bytes: Int, owner: String, budget: S3BufferBudget) {
        self.bytes = bytes
        self.owner = owner
        self.budget = budget
    }

    deinit { budget.giveBack(bytes, of: owner) }
}
