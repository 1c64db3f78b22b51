internal import HTTPClient
internal import Record
internal import Storage

/// Why the inputs of a task couldn't be fetched.
struct FetchError: Error, Sendable, Equatable {
    /// A closed set: safe as a metric label.
    enum Code: String, Sendable, CaseIterable {
        /// The outbound guard refuses every address that the URL, or a redirect, leads to.
        case refusedAddress
        /// No such URL can be asked.
        case malformedURL
        /// No complete answer came.
        case unreachable
        /// The server answered with something else than a file.
        case refused
        /// The archive, what it unpacks to, or one of its files is larger than it may be.
        case tooLarge
        /// What was fetched is no zip archive, or a broken one.
        case notAnArchive
        /// The archive holds a name that climbs out of its folder.
        case unsafeName
        /// There is nothing to process.
        case noFiles
        /// More images than any backend takes.
        case tooManyImages
        /// The gateway couldn't keep what it fetched, or couldn't record it.
        case storage
        /// The task isn't being fetched any more, or the gateway ends.
        case cancelled
    }

    /// What kind of failure it was.
    var code: Code
    /// One sentence for the task's owner, without the URL: that may hold a secret.
    var message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Whether another try would end in the same way.
    var isFinal: Bool {
        switch code {
        case .refusedAddress, .malformedURL, .tooLarge, .unsafeName, .noFiles, .tooManyImages: true
        case .unreachable, .refused, .notAnArchive, .storage, .cancelled: false
        }
    }

    /// What was thrown on the way, in these words.
    init(_ error: any Error) {
        switch error {
        case let error as FetchError: self = error
        case let error as HTTPClientError: self.init(error)
        case let error as StorageError: self.init(error)
        case let error as RecordError where error.code != .cancelled:
            self.init(.storage, "The gateway's database failed: \(error.message)")
        default: self.init(.cancelled, "the fetch was stopped: \(error)")
        }
    }

    private init(_ error: HTTPClientError) {
        switch error.code {
        case .refusedAddress: self.init(.refusedAddress, "zipurl can't be fetched: \(error.message)")
        case .invalidRequest: self.init(.malformedURL, "zipurl can't be fetched: \(error.message)")
        case .notSent, .outcomeUnknown, .sourceFailed:
            self.init(.unreachable, "zipurl can't be fetched: \(error.message)")
        case .timedOut: self.init(.unreachable, "zipurl can't be fetched in time: \(error.message)")
        case .tooLarge: self.init(.refused, "zipurl can't be fetched: \(error.message)")
        case .cancelled: self.init(.cancelled, "the fetch was stopped")
        }
    }

    private init(_ error: StorageError) {
        switch error.code {
        case .malformedArchive:
            self.init(.notAnArchive, "What zipurl leads to is no whole zip archive: \(error.message)")
        case .tooLarge: self.init(.tooLarge, "What zipurl leads to is too large: \(error.message)")
        case .full: self.init(.storage, "The gateway's storage is full")
        case .cancelled: self.init(.cancelled, "the fetch was stopped")
        case .invalidKey, .notFound, .exists, .truncated, .closed, .noSuchBucket, .accessDenied, .unreachable, .changed,
            .beyondEnd, .failed:
            self.init(.storage, "The gateway's storage failed: \(error.message)")
        }
    }
}
