public import HTTPTypes

/// How the end of an answer's body is known (RFC 9112 §6.3).
public enum BodyFraming: Sendable, Equatable {
    /// There is no body.
    case none
    /// This many bytes follow the head.
    case length(Int64)
    /// Chunks follow, the last one empty.
    case chunked
    /// The body ends with the connection.
    case untilClose
}

/// What a parsed answer's head says.
public struct ResponseHead: Sendable {
    /// The status code, 100…999.
    public var status: Int
    /// 1 for HTTP/1.1, 0 for HTTP/1.0.
    public var minorVersion: Int
    /// How the body ends.
    public var framing: BodyFraming
    /// The Content-Length field, which answers to HEAD and 304 carry without a body.
    public var contentLength: Int64?
    /// Whether the connection may carry another request after the body.
    public var keepsAlive: Bool
    /// The end-to-end fields: hop-by-hop ones and Content-Length are left out.
    public var fields: HTTPFields
}
