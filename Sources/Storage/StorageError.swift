/// Why a store didn't do what it was asked.
public struct StorageError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A closed set: safe as a metric label and in a `switch`.
    public enum Code: String, Sendable, CaseIterable {
        /// The key isn't one that this product makes: a bug of the caller, or text of a client that got too far.
        case invalidKey
        /// Nothing is stored under the key.
        case notFound
        /// Something is stored, or being written, under the key.
        case exists
        /// No space left, or less than the configured reserve.
        case full
        /// An object ended before its size.
        case truncated
        /// The writer or reader was finished, aborted or closed before, or failed before.
        case closed
        /// An archive can't be unpacked.
        case malformedArchive
        /// An archive holds more than it may, or an object more than was announced or than the store takes.
        case tooLarge
        /// The bucket isn't there.
        case noSuchBucket
        /// The object store doesn't know or trust the credentials, or doesn't allow them this.
        case accessDenied
        /// The object store can't be reached, or asks for patience, and did so at every try.
        case unreachable
        /// The object is another one than it was when it was looked at.
        case changed
        /// The part that was asked for begins beyond the object's end.
        case beyondEnd
        /// The calling task was cancelled.
        case cancelled
        /// The file system or the object store failed.
        case failed
    }

    /// What kind of failure it was.
    public var code: Code
    /// One sentence for people: what, where, and what to do.
    public var message: String
    /// The system's error number; 0 where none is behind it.
    public var errorNumber: Int32

    /// Every part is given.
    public init(_ code: Code, _ message: String, errorNumber: Int32 = 0) {
        self.code = code
        self.message = message
        self.errorNumber = errorNumber
    }

    /// The message.
    public var description: String { message }
}

extension StorageError.Code {
    /// True where the same call may succeed later, so that a client should be told to try again (503).
    public var isTransient: Bool {
        switch self {
        case .full, .failed, .unreachable, .cancelled: true
        // An operator's mistake: it is mended while the client tries again.
        case .noSuchBucket, .accessDenied: true
        case .invalidKey, .notFound, .exists, .truncated, .closed, .malformedArchive, .tooLarge, .changed, .beyondEnd:
            false
        }
    }
}
