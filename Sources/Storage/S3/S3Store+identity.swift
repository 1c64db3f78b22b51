import Model

/// Whose prefix it is: two gateways that share one by mistake would take each other's objects for orphans.
extension S3Store {
    /// No key of the protocol: it isn't listed, and no caller can name it.
    private static let identityName = ".scaleodm-storage"

    /// The identity that was written below the prefix; see `ObjectStore`.
    public func identity() async throws(StorageError) -> String? {
        do throws(StorageError) {
            let bytes = try await client.read(bucket: bucket, key: prefix + Self.identityName, atMost: 1024)
            let line = bytes.prefix { $0 != 0x0A }
            return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
        } catch {
            if error.code == .notFound { return nil }
            throw error
        }
    }

    /// Writes an identity where there is none; see `ObjectStore`. Of two that do so in the same moment one finds the other's.
    public func establishIdentity(_ id: String) async throws(StorageError) -> String {
        guard (1...128).contains(id.utf8.count), id.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw StorageError(.invalidKey, "a storage identity is 1 to 128 printable characters")
        }
        if let known = try await identity() { return known }
        try await client.put(
            bucket: bucket, key: prefix + Self.identityName, Array((id + "\n").utf8), contentType: "text/plain")
        return try await identity() ?? id
    }
}
