public import Model

/// Objects in a bucket, below a prefix.
///
/// `write` asks whether the key is taken, by HEAD, since not every store honours `If-None-Match`: of two programs that write
/// one key in the same moment the last one wins. The gateway's keys are random, so that no two write the same. Within one
/// program the second writer is refused. The credentials need s3:ListBucket, or a missing object looks like a forbidden one.
public final class S3Store: ObjectStore {
    /// Speaks to the store.
    public let client: S3Client
    /// Where the objects are.
    public let bucket: String
    /// What stands before every key, `scaleodm/` for instance.
    public let prefix: String
    private let budget: S3BufferBudget
    private let openKeys = S3OpenKeys()

    /// Makes no request until `prepare()`.
    /// - Parameters:
    ///   - client: reaches the store.
    ///   - bucket: has to be there.
    ///   - prefix: begins every key; nothing outside is ever read, written or removed.
    ///   - budget: the memory of all uploads.
    public init(client: S3Client, bucket: String, prefix: String, budget: S3BufferBudget) {
        self.client = client
        self.bucket = bucket
        self.prefix = prefix
        self.budget = budget
    }

    /// Asks whether the bucket is there and may be used. Call once at the start.
    public func prepare() async throws(StorageError) { try await client.check(bucket: bucket) }

    /// Begins a new object; see `ObjectStore`.
    public func write(key: String) async throws(StorageError) -> any ObjectWriter {
        try await write(key: key, atMost: .max)
    }

    /// Begins a new object of a bounded size; see `ObjectStore`.
    public func write(key: String, atMost size: Int64) async throws(StorageError) -> any ObjectWriter {
        let key = try StorageKey(key)
        guard let claim = openKeys.claim(key.text) else {
            throw StorageError(.exists, "\(key.text) is being written")
        }
        if try await isStored(key) { throw StorageError(.exists, "\(key.text) is stored already") }
        return S3Writer(place(key), key: key, claim: claim, budget: budget, limit: max(0, size))
    }

    private func isStored(_ key: StorageKey) async throws(StorageError) -> Bool {
        do throws(StorageError) {
            _ = try await client.head(bucket: bucket, key: prefix + key.text)
            return true
        } catch {
            if error.code == .notFound { return false }
            throw error
        }
    }

    /// Opens an object; see `ObjectStore`.
    public func read(key: String, from offset: Int64) async throws(StorageError) -> any ObjectReader {
        let start = max(0, offset)
        return try await S3Reader.open(
            place(try StorageKey(key)), range: start == 0 ? nil : start..<Int64.max, etag: nil)
    }

    /// The size of an object in bytes; see `ObjectStore`.
    public func size(key: String) async throws(StorageError) -> Int64 {
        try await client.head(bucket: bucket, key: prefix + StorageKey(key).text).size.bytes
    }

    /// Where a key of the protocol is in the bucket, for pre-signed URLs and for workflows.
    /// - Throws: `.invalidKey`.
    public func objectKey(_ key: String) throws(StorageError) -> String { prefix + (try StorageKey(key)).text }

    private func place(_ key: StorageKey) -> S3Reader.Place {
        S3Reader.Place(client: client, bucket: bucket, key: prefix + key.text)
    }

    /// Removes one object; see `ObjectStore`.
    public func remove(key: String) async throws(StorageError) {
        try await client.delete(bucket: bucket, key: prefix + StorageKey(key).text)
    }

    /// Removes all below a prefix; see `ObjectStore`.
    public func remove(prefix: String) async throws(StorageError) {
        let folder = try StorageKey(prefix).text + "/"
        openKeys.revoke(below: folder)
        for upload in try await client.unfinishedUploads(bucket: bucket, prefix: self.prefix + folder) {
            try await client.abortUpload(bucket: bucket, key: upload.key, id: upload.id)
        }
        while true {
            // From the start each time: what was removed is not in the way of the next page.
            let page = try await client.list(bucket: bucket, prefix: self.prefix + folder)
            guard !page.objects.isEmpty else { return }
            let failures = try await client.delete(bucket: bucket, keys: page.objects.map(\.key))
            if let first = failures.first {
                throw StorageError(
                    first.code == "AccessDenied" ? .accessDenied : .failed,
                    "\(failures.count) objects of \(bucket)/\(self.prefix)\(folder) can't be removed, such as "
                        + "\(first.key): \(first.code) \(first.message)")
            }
            guard page.next != nil else { return }
        }
    }

    /// Lists finished objects; see `ObjectStore`.
    public func list(prefix: String, after: String?, limit: Int) async throws(StorageError) -> [ListedObject] {
        let folder = self.prefix + (prefix.isEmpty ? "" : try StorageKey(prefix).text + "/")
        var found: [ListedObject] = []
        var page: String?
        repeat {
            let listing = try await client.list(
                bucket: bucket, prefix: folder, page: page, after: after.map { self.prefix + $0 },
                limit: limit - found.count)
            found += listing.objects.compactMap { listed($0, after: after) }
            page = listing.next
        } while page != nil && found.count < limit
        return Array(found.prefix(limit))
    }

    /// What is no key of the gateway's is passed over, as a storage folder does.
    private func listed(_ object: S3Object, after: String?) -> ListedObject? {
        let key = String(object.key.dropFirst(prefix.count))
        guard (try? StorageKey(key)) != nil, after.map({ key > $0 }) ?? true else { return nil }
        return ListedObject(
            key: key, size: object.size, modified: object.modified ?? Timestamp(milliseconds: 0))
    }

    /// Nobody knows.
    public func freeBytes() async -> ByteCount? { nil }

    /// Aborts uploads that were never completed and were begun before a moment: what a crash left, and costs money.
    ///
    /// With several gateways on one prefix that moment must lie further back than any upload lasts.
    /// - Parameter moment: younger ones are left alone, and those without a time.
    /// - Returns: how many were aborted.
    /// - Throws: `.accessDenied` where the credentials may not list them (s3:ListBucketMultipartUploads).
    public func removeUnfinished(untouchedSince moment: Timestamp) async throws(StorageError) -> Int {
        var count = 0
        for upload in try await client.unfinishedUploads(bucket: bucket, prefix: prefix) {
            guard let begun = upload.begun, begun < moment else { continue }
            try await client.abortUpload(bucket: bucket, key: upload.key, id: upload.id)
            count += 1
        }
        return count
    }
}
