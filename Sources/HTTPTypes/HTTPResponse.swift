/// The head of an answer.
public struct HTTPResponse: Sendable, Equatable {
    /// The status.
    public var status: HTTPStatus
    /// The fields; the server adds Date and the framing (Content-Length or Transfer-Encoding) itself.
    public var fields: HTTPFields

    /// An answer's head.
    public init(_ status: HTTPStatus, fields: HTTPFields = [:]) {
        self.status = status
        self.fields = fields
    }
}
