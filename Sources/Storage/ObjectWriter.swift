/// One object that is being written. Belongs to one task; one call at a time.
///
/// Ends by `finish()` or `abort()`. One that is dropped leaves an unfinished file, which the store's own sweep removes.
public protocol ObjectWriter: AnyObject {
    /// Appends bytes; suspends until they are hashed and handed to the system.
    ///
    /// The bytes are not copied: the pointer must stay valid until the call returns, which a caller has by awaiting it
    /// (also when its task is cancelled). After a failure the object can only be aborted. Throws `.full`.
    func append(_ bytes: UnsafeRawBufferPointer) async throws(StorageError)

    /// Makes the object durable and visible under its key.
    func finish() async throws(StorageError) -> StoredObject

    /// Gives the object up and removes what was written of it. Harmless after any end.
    func abort() async
}
