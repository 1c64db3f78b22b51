public import HTTPTypes

/// Why a request couldn't be read, or an answer couldn't be written.
public struct HTTPServerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A closed set: safe as a metric label and in a `switch`.
    public enum Code: String, Sendable, CaseIterable {
        /// The head breaks the grammar of HTTP/1.1, or could be read in two ways.
        case badRequest
        /// The head has too many bytes or too many fields.
        case headTooLarge
        /// A version other than HTTP/1.0 and HTTP/1.1.
        case unsupportedVersion
        /// A transfer coding other than chunked, or CONNECT.
        case notImplemented
        /// An expectation other than 100-continue.
        case expectationFailed
        /// The head didn't come in time.
        case headTimeout
        /// The body is larger than the handler takes.
        case bodyTooLarge
        /// The client ended the connection within the body.
        case bodyTruncated
        /// Next to nothing of the body came while it was waited for.
        case bodyTooSlow
        /// The chunked coding is broken.
        case malformedChunk
        /// The body isn't the multipart that it claims to be.
        case malformedMultipart
        /// The body ended before the multipart did.
        case multipartTruncated
        /// The client is gone.
        case connectionLost
        /// The client took nothing of the answer for too long.
        case clientTooSlow
        /// The handler wrote more or less than it had announced.
        case wrongLength
        /// The handler returned without an answer.
        case unanswered
    }

    /// What kind of failure it was.
    public var code: Code
    /// One sentence for people: what was wrong.
    public var message: String

    /// Both parts are given.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The status that answers such a request, if an answer can still be sent.
    public var status: HTTPStatus {
        switch code {
        case .badRequest, .bodyTruncated, .malformedChunk, .malformedMultipart, .multipartTruncated: .badRequest
        case .headTooLarge: .requestHeaderFieldsTooLarge
        case .unsupportedVersion: .httpVersionNotSupported
        case .notImplemented: .notImplemented
        case .expectationFailed: .expectationFailed
        case .headTimeout, .bodyTooSlow: .requestTimeout
        case .bodyTooLarge: .contentTooLarge
        case .connectionLost, .clientTooSlow, .wrongLength, .unanswered: .internalServerError
        }
    }

    /// The sentence for people.
    public var description: String { message }
}
