public import Model

/// Where uploaded files wait until a backend has them: a folder, or a bucket of S3.
///
/// Keys are made by the gateway, `[a-z0-9-]+(/[A-Za-z0-9._-]+)*` with no segment that begins with a dot; any other is
/// refused with `.invalidKey`. An object appears under its key as a whole when its writer finished, never in part, and
/// doesn't change until it is removed.
public protocol ObjectStore: Sendable {
    /// Makes the place where it is missing, or asks whether it may be used. Call once at the start.
    func prepare() async throws(StorageError)

    /// Which installation's objects these are; nil where nobody said so yet, such as in a volume that isn't mounted.
    func identity() async throws(StorageError) -> String?

    /// Says whose objects these are, where nobody did yet.
    /// - Parameter id: 1 to 128 printable ASCII characters, such as a UUID.
    /// - Returns: the place's identity: the given one, or the one it had.
    /// - Throws: `.invalidKey` for any other text.
    func establishIdentity(_ id: String) async throws(StorageError) -> String

    /// Removes what writers that never came to their end left, where nobody wrote to it since a moment.
    /// - Parameter moment: younger ones are left alone; with other writers on this place it must lie further back than any of
    ///   them can pause.
    /// - Returns: how many were removed.
    /// - Throws: where they can't be found or removed.
    func removeUnfinished(untouchedSince moment: Timestamp) async throws(StorageError) -> Int

    /// Begins a new object.
    ///
    /// Throws `.exists` where the key is taken or being written, `.full` where the space is short.
    func write(key: String) async throws(StorageError) -> any ObjectWriter

    /// Begins a new object of which is known how large it can be: a store that has to gather it in memory takes no more of it
    /// than that.
    /// - Parameters:
    ///   - key: of the object.
    ///   - size: its size in bytes at most, such as the Content-Length of the request that brings it.
    /// - Returns: a writer that may throw `.tooLarge` where more comes.
    /// - Throws: as `write(key:)`.
    func write(key: String, atMost size: Int64) async throws(StorageError) -> any ObjectWriter

    /// Opens an object for reading from an offset in bytes; one beyond the end reads nothing. Throws `.notFound`.
    func read(key: String, from offset: Int64) async throws(StorageError) -> any ObjectReader

    /// The size of an object in bytes. Throws `.notFound`.
    func size(key: String) async throws(StorageError) -> Int64

    /// Removes one object; one that isn't there is removed already.
    func remove(key: String) async throws(StorageError)

    /// Removes every object whose key begins with `prefix` and a slash, finished or not.
    ///
    /// May be called again after any interruption.
    func remove(prefix: String) async throws(StorageError)

    /// Lists finished objects in the order of their keys' bytes, a page at a time.
    /// - Parameters:
    ///   - prefix: a key without its last segments, without a slash at the end; empty: all.
    ///   - after: the last key of the page before; nil for the first page.
    ///   - limit: the most objects to return, ≥ 1.
    /// - Returns: fewer than `limit` only at the end.
    /// - Throws: `.invalidKey` for a prefix that no key has.
    func list(prefix: String, after: String?, limit: Int) async throws(StorageError) -> [ListedObject]

    /// How much more can be stored; nil where nobody knows (S3).
    func freeBytes() async -> ByteCount?
}

extension ObjectStore {
    /// For stores that write as they receive: the size is nothing to them.
    public func write(key: String, atMost size: Int64) async throws(StorageError) -> any ObjectWriter {
        try await write(key: key)
    }
}
