import HTTPTypes

/// How a request's body ends (RFC 9112 §6.3).
enum BodyFraming: Equatable {
    case none
    case length(Int64)
    case chunked
}

/// A parsed head with what the server itself has to know of it.
struct RequestHead {
    var request: HTTPRequest
    var framing: BodyFraming
    /// True when the client lets the connection live after this exchange.
    var keepsAlive: Bool
    /// True when the client waits for `100 Continue` before it sends the body.
    var expectsContinue: Bool
}

/// Bounds of a head.
struct HeadLimits {
    /// Bytes from the first of the request line to the empty line.
    var bytes = 64 * 1024
    var fields = 128
}
