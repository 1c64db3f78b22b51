import Reactor

/// Writes one object of a `DirectoryStore`; each call is one hop to the blocking pool.
final class DirectoryWriter: ObjectWriter {
    private let sink: FileSink
    private let store: DirectoryStore

    init(_ sink: FileSink, of store: DirectoryStore) {
        self.sink = sink
        self.store = store
    }

    func append(_ bytes: UnsafeRawBufferPointer) async throws(StorageError) {
        guard !bytes.isEmpty else { return }
        let borrowed = BorrowedBytes(bytes)
        try await store.pool.blocking { [sink] () throws(StorageError) in try sink.append(borrowed.bytes) }
    }

    func append(contentsOf bytes: [UInt8]) async throws(StorageError) {
        guard !bytes.isEmpty else { return }
        try await store.pool.blocking { [sink] () throws(StorageError) in
            var failure: StorageError?
            bytes.withUnsafeBytes { bytes in
                do throws(StorageError) { try sink.append(bytes) } catch { failure = error }
            }
            if let failure { throw failure }
        }
    }

    func finish() async throws(StorageError) -> StoredObject {
        try await store.pool.blocking { [sink, store] () throws(StorageError) in
            try sink.finish(store.tree, store.durable)
        }
    }

    func abort() async {
        try? await store.pool.blocking { [sink] () throws(StorageError) in sink.abort() }
    }
}

/// A pointer on its way to the pool's thread.
///
/// Invariant: the caller of `append` is suspended until the pool's work has ended (`BlockingPool.run` doesn't return
/// earlier, also for a cancelled task), so that the memory stays valid and nobody else touches it meanwhile.
private struct BorrowedBytes: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }
}

extension BlockingPool {
    /// Runs work of this module on the pool, with its typed error.
    func blocking<Value: Sendable>(
        _ work: @escaping @Sendable () throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        do {
            return try await run(work)
        } catch let error as StorageError {
            throw error
        } catch {
            throw StorageError(.failed, "the blocking pool refused the work: \(error)")
        }
    }
}
