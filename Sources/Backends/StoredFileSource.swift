internal import HTTPClient
internal import Storage
import Synchronization

/// Streams a stored file into an upload.
final class StoredFileSource: BodySource {
    private let storage: any ObjectStore
    private let key: String
    private let reader = Mutex<(any ObjectReader)?>(nil)

    init(storage: any ObjectStore, key: String) {
        self.storage = storage
        self.key = key
    }

    func read(upTo count: Int) async throws -> [UInt8] {
        if let open = reader.withLock({ $0 }) { return try await open.read(upTo: count) }
        let opened = try await storage.read(key: key, from: 0)
        reader.withLock { $0 = opened }
        return try await opened.read(upTo: count)
    }

    func rewind() async throws -> Bool {
        let open = reader.withLock { reader in
            defer { reader = nil }
            return reader
        }
        await open?.close()
        return true
    }
}
