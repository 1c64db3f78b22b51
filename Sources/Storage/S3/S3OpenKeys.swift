import Synchronization

/// The keys that this program is writing to a store, so that a second writer of a key and a removal see them.
final class S3OpenKeys: Sendable {
    private struct State {
        var writers: [String: UInt64] = [:]
        var lastID: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Takes a key; nil where it is taken.
    func claim(_ key: String) -> Claim? {
        let id: UInt64? = state.withLock { state in
            guard state.writers[key] == nil else { return nil }
            state.lastID += 1
            state.writers[key] = state.lastID
            return state.lastID
        }
        return id.map { Claim(key: key, id: $0, keys: self) }
    }

    /// Takes the keys below a prefix, which ends with a slash, from their writers: these can't finish any more.
    func revoke(below prefix: String) {
        state.withLock { state in state.writers = state.writers.filter { !$0.key.hasPrefix(prefix) } }
    }

    private func holds(_ key: String, _ id: UInt64) -> Bool { state.withLock { $0.writers[key] == id } }

    private func release(_ key: String, _ id: UInt64) {
        state.withLock { state in if state.writers[key] == id { state.writers[key] = nil } }
    }

    /// A writer's hold on its key, until its last reference is gone.
    final class Claim: Sendable {
        private let key: String
        private let id: UInt64
        private let keys: S3OpenKeys

        fileprivate init(key: String, id: UInt64, keys: S3OpenKeys) {
            self.key = key
            self.id = id
            self.keys = keys
        }

        deinit { keys.release(key, id) }

        /// Whether nobody removed the key meanwhile.
        var holds: Bool { keys.holds(key, id) }
    }
}
