internal import Storage

/// Why a task with images in object storage isn't taken.
enum ObjectStorageRefusal: Error, Sendable, Equatable {
    /// The client must say something else, or ask its operator.
    case refused(String)
    /// Known, and offered by no gateway yet.
    case notImplemented(String)
    /// Trouble that passes.
    case tryAgain(String)

    /// For people.
    var text: String {
        switch self {
        case .refused(let text), .notImplemented(let text), .tryAgain(let text): text
        }
    }

    /// A store's error about a place that a client named.
    /// - Parameters:
    ///   - error: what the store said.
    ///   - place: as the client wrote it.
    init(_ error: StorageError, about place: String) {
        switch error.code {
        case .noSuchBucket, .invalidKey: self = .refused("\(place): there is no such bucket.")
        case .notFound: self = .refused("\(place): nothing is there.")
        case .accessDenied:
            self = .refused(
                "\(place): the object store doesn't let this gateway read there; check what the bucket allows its credentials."
            )
        case .tooLarge: self = .refused("\(error.message).")
        case .unreachable, .cancelled, .closed, .full, .failed, .truncated, .exists, .malformedArchive, .changed,
            .beyondEnd:
            self = .tryAgain("The object store with \(place) can't be read now; try again.")
        }
    }
}

extension APIError {
    /// The same as an answer.
    init(_ refusal: ObjectStorageRefusal) {
        switch refusal {
        case .refused(let text): self = .refused(text)
        case .notImplemented(let text): self = .notImplemented(text)
        case .tryAgain(let text): self = .tryAgain(text)
        }
    }
}
