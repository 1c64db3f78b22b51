internal import Model
import Synchronization

/// How many bytes the open uploads have, counted as their files arrive.
///
/// Files of one task come in many requests at once, and the record takes each without looking at the others. What several
/// gateways count apart is put together at the commit.
final class UploadTally: Sendable {
    private struct Entry {
        var bytes: Int64
        var lastUse: UInt64
    }

    private struct State {
        var entries: [TaskID: Entry] = [:]
        var uses: UInt64 = 0
    }

    private let state = Mutex(State())
    /// Bytes of all of a task's files at most.
    let limit: ByteCount
    /// Uploads that are remembered; one that was forgotten is counted anew.
    private let capacity: Int

    /// - Parameters:
    ///   - limit: the inventory's `limits.upload_task`.
    ///   - capacity: uploads that are remembered.
    init(limit: ByteCount, capacity: Int = 10_000) {
        self.limit = limit
        self.capacity = capacity
    }

    /// Bytes that a task may still have; nil where nobody has counted them yet.
    func room(of task: TaskID) -> Int64? {
        state.withLock { state in state.entries[task].map { limit.bytes - $0.bytes } }
    }

    /// Begins to count, unless that was done meanwhile.
    func begin(_ task: TaskID, bytes: Int64) {
        state.withLock { state in
            guard state.entries[task] == nil else { return }
            if state.entries.count >= capacity { Self.makeRoom(in: &state) }
            state.uses += 1
            state.entries[task] = Entry(bytes: bytes, lastUse: state.uses)
        }
    }

    /// Counts a file before it is recorded.
    /// - Returns: false, and nothing is counted, where it doesn't fit.
    func reserve(_ size: ByteCount, for task: TaskID) -> Bool {
        state.withLock { state in
            guard let entry = state.entries[task] else { return size <= limit }
            guard size.bytes <= limit.bytes - entry.bytes else { return false }
            state.uses += 1
            state.entries[task] = Entry(bytes: entry.bytes + size.bytes, lastUse: state.uses)
            return true
        }
    }

    /// A counted file wasn't recorded.
    func release(_ size: ByteCount, of task: TaskID) {
        state.withLock { $0.entries[task]?.bytes -= size.bytes }
    }

    /// The task is committed, new, or its count has become doubtful.
    func forget(_ task: TaskID) {
        state.withLock { $0.entries[task] = nil }
    }

    private static func makeRoom(in state: inout State) {
        let uses = state.entries.values.map(\.lastUse).sorted()
        let middle = uses[uses.count / 2]
        state.entries = state.entries.filter { $0.value.lastUse > middle }
    }
}
