internal import HTTPClient
internal import Model
internal import Storage
import Synchronization

/// Streams a file, stored here or in a client's bucket, into an upload.
final class StoredFileSource: BodySource {
    private let open: @Sendable () async throws -> any ObjectReader
    private let reader = Mutex<(any ObjectReader)?>(nil)

    init(_ file: InputFile, in storage: any ObjectStore) {
        open = { try await storage.read(key: file.storageKey, from: 0) }
    }

    init(_ file: InputFile, from source: any InputSource) {
        open = { try await source.open(file) }
    }

    func read(upTo count: Int) async throws -> [UInt8] {
        if let reader = reader.withLock({ $0 }) { return try await reader.read(upTo: count) }
        let opened = try await open()
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
