internal import HTTPServer
internal import Record
internal import Storage

/// Why a request of the NodeODM API isn't done; `ErrorAnswer` makes the answer of it.
enum APIError: Error, Sendable, Equatable {
    /// `{"error": text}` with status 200, as NodeODM answers nearly every failure (contract 1.1).
    case refused(String)
    /// The same with `noRetry`, of an upload without files.
    case refusedForGood(String)
    /// `{"success": false, "error": text}`, of cancel, remove and restart.
    case notDone(String)
    /// The token is missing or wrong.
    case unauthorized
    /// The same without a body, which `_debugUnauthorized` asks for (contract 2.1).
    case bareUnauthorized
    /// A true refusal of a JSON `/task/new`, whose clients look at the status (contract 2.6).
    case badRequest(String)
    /// Known, and offered by no gateway yet: 501 for such clients (contract 2.6).
    case notImplemented(String)
    /// Trouble that passes: clients try again on 503.
    case tryAgain(String)
    /// No such path.
    case noSuchPath
    /// The path has no such method.
    case methodNotAllowed
    /// Any answer would fail the client's task for good; a broken connection is retried.
    case noAnswer

    /// NodeODM's text for an id that it doesn't know.
    static func unknownTask(_ id: String) -> APIError { .refused("\(id) not found") }
    /// NodeODM's text for an upload area that it doesn't know.
    static let unknownUpload = APIError.refused("Invalid uuid (not found)")

    /// Storage trouble, as an upload tells it: clients retry a 503 and show anything else.
    init(_ error: StorageError) {
        self =
            error.code.isTransient
            ? .tryAgain("The gateway's storage is short or away; try again. \(error.message)")
            : .refused(error.message)
    }

    /// The database away, or a bug below.
    init(_ error: RecordError) {
        switch error.code {
        case .away, .leaseLost: self = .tryAgain("The gateway's database is away; try again.")
        case .refused, .unreadable: self = .tryAgain("The gateway's database failed: \(error.message)")
        case .cancelled: self = .noAnswer
        }
    }
}
