/// Why an outbound request brought no answer.
///
/// The distinction that decides about retries: `notSent` is only said when nothing of the request can have left, so that
/// trying again, or elsewhere, can't do anything twice. Every doubt is `outcomeUnknown`.
public struct HTTPClientError: Error, Sendable, CustomStringConvertible {
    /// A closed set: safe as a metric label and in a `switch`.
    public enum Code: String, Sendable, CaseIterable {
        /// Nothing of the request can have reached the server: no address, refused, no connection in time, TLS failed.
        case notSent
        /// The request was sent wholly or in part, and no complete answer came.
        case outcomeUnknown
        /// As `outcomeUnknown`, because time ran out. (A connection that doesn't come about in time is `notSent`.)
        case timedOut
        /// The outbound guard refused every address of the host.
        case refusedAddress
        /// The answer is larger than the request allows.
        case tooLarge
        /// The calling task was cancelled, or the client closed.
        case cancelled
        /// The source of the request's body failed, or held less or more than it said.
        case sourceFailed
        /// The request can't be made: a malformed URL, or a scheme other than http and https.
        case invalidRequest
    }

    /// What kind of failure it was.
    public var code: Code
    /// One sentence for people. Holds neither the URL's query nor any field.
    public var message: String
    /// Whether the server may have received something of the request.
    public var mayHaveArrived: Bool
    /// The error below, if there was one.
    public var underlying: (any Error)?

    /// A failure; unless told, whether the request may have arrived follows from the code, doubt meaning yes.
    public init(_ code: Code, _ message: String, mayHaveArrived: Bool? = nil, underlying: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.mayHaveArrived = mayHaveArrived ?? code.meansMaybeSent
        self.underlying = underlying
    }

    /// Code and message.
    public var description: String { "\(code.rawValue): \(message)" }
}

extension HTTPClientError.Code {
    var meansMaybeSent: Bool {
        switch self {
        case .notSent, .refusedAddress, .invalidRequest: false
        case .outcomeUnknown, .timedOut, .tooLarge, .cancelled, .sourceFailed: true
        }
    }
}
