internal import HTTPServer
internal import HTTPTypes
internal import NodeODM
internal import Record
internal import Storage

/// The one place where an error becomes an answer of the NodeODM API.
struct ErrorAnswer {
    /// Status and body; nil closes the connection without an answer.
    let content: (status: HTTPStatus, body: [UInt8])?

    /// - Parameters:
    ///   - error: what a handler threw.
    ///   - unauthorizedIs200: whether a bad token is told in NodeODM's style, with status 200.
    init(_ error: any Error, unauthorizedIs200: Bool) {
        content = Self.content(of: Self.apiError(error), unauthorizedIs200: unauthorizedIs200)
    }

    private static func apiError(_ error: any Error) -> APIError {
        switch error {
        case let error as APIError: error
        case let error as RecordError: APIError(error)
        case let error as StorageError: APIError(error)
        case let error as HTTPServerError: apiError(error)
        case is CancellationError: .noAnswer
        default: .tryAgain("The gateway failed: \(error)")
        }
    }

    /// A body that ended too early gets no answer: nobody is left to read one, and a client that retries does so for a broken
    /// connection.
    private static func apiError(_ error: HTTPServerError) -> APIError {
        switch error.code {
        case .bodyTruncated, .connectionLost, .clientTooSlow: .noAnswer
        default: .refused(error.message)
        }
    }

    private static func content(of error: APIError, unauthorizedIs200: Bool) -> (HTTPStatus, [UInt8])? {
        switch error {
        case .refused(let text): (.ok, body(text))
        case .refusedForGood(let text): (.ok, body(text, noRetry: true))
        case .notDone(let text): (.ok, body(text, success: false))
        case .unauthorized:
            (
                unauthorizedIs200 ? .ok : .unauthorized,
                body("Invalid authentication token: token does not match.")
            )
        case .bareUnauthorized: (.unauthorized, [])
        case .badRequest(let text): (.badRequest, body(text))
        case .notImplemented(let text): (.notImplemented, body(text))
        case .tryAgain(let text): (.serviceUnavailable, body(text))
        case .noSuchPath: (.notFound, body("Nothing is here. The NodeODM API begins at /info."))
        case .methodNotAllowed: (.methodNotAllowed, body("This path has no such method."))
        case .noAnswer: nil
        }
    }

    private static func body(_ text: String, success: Bool? = nil, noRetry: Bool = false) -> [UInt8] {
        var json = JSONWriter(reserving: 64 + text.utf8.count)
        json.beginObject()
        if let success {
            json.key("success")
            json.bool(success)
        }
        json.key("error")
        json.string(text)
        if noRetry {
            json.key("noRetry")
            json.bool(true)
        }
        json.endObject()
        return json.bytes
    }
}
