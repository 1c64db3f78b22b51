/// One object that is being written. Belongs to one task; one call at a time.
///
/// Ends by `finish()` or `abort()`. One that is dropped leaves an unfinished file, which the store's own sweep removes.
public protocol ObjectWriter: AnyObject {
    /// Appends bytes; suspends until they are hashed and handed to the system.
    ///
    /// The bytes are not copied: the pointer must stay valid until the call returns, which a caller has by awaiting it
    /// (also when its task is cancelled). After a failure the object can only be aborted. Throws `.full`.
    func append(_ bytes: UnsafeRawBufferPointer) async throws(StorageError)

    /// Appends bytes that the writer may keep until the call returns.
    func append(contentsOf bytes: [UInt8]) async throws(StorageError)

    /// Makes the object durable and visible under its key.
    func finish() async throws(StorageError) -> StoredObject

    /// Gives the object up and removes what was written of it. Harmless after any end.
    func abort() async
}

extension ObjectWriter {
    /// Appends a copy; writers that can do without one say so.
    public func append(contentsOf bytes: [UInt8]) async throws(StorageError) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
        defer { copy.deallocate() }
        copy.copyBytes(from: bytes)
        try await append(UnsafeRawBufferPointer(copy))
    }
}
