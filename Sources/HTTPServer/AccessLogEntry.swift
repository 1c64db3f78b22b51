public import HTTPTypes
public import Observability
public import Reactor

/// One exchange, told to the access log when it ends.
///
/// Making it costs no allocation: texts come out of the request when the log asks for them.
public struct AccessLogEntry {
    /// The request; nil when its head couldn't be read.
    public let request: HTTPRequest?
    /// The route's name, "" without one.
    public let route: String
    /// The route's place among the router's `routeNames`; nil without one.
    public let routeIndex: Int?
    /// The place in a trace that the handler gave it.
    public let trace: TraceContext?
    /// Which of the listener's loops served it: its place among those that the listener was made with.
    public let loopIndex: Int
    /// The status answered; 0 when the connection ended without an answer.
    public let status: Int
    /// Bytes of the request's body that were read.
    public let bytesIn: Int64
    /// Bytes of the answer's body that were written.
    public let bytesOut: Int64
    /// From the complete head to the end of the answer.
    public let nanoseconds: Int64
    /// The other end of the connection; nil on unix sockets.
    public let peer: SocketAddress?
    /// False when the answer was cut short, or there was none.
    public let isComplete: Bool

    /// The method, nil when the head couldn't be read.
    public var method: HTTPMethod? { request?.method }
    /// The path without the query, which may hold a token.
    public var path: String { request?.path ?? "" }

    /// Calls `body` with the path as it was sent, without making a text of it.
    @inline(__always)
    public func withPathBytes(_ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        guard let request else { return body(UnsafeBufferPointer(start: nil, count: 0)) }
        request.withPathBytes(body)
    }
}
