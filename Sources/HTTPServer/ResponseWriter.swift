public import HTTPTypes
public import Reactor

/// The only way to answer a request: a second head, or an answer after the end, doesn't compile.
public struct ResponseWriter: ~Copyable {
    private let connection: Connection

    init(connection: Connection) { self.connection = connection }

    /// True for HEAD: the server drops the body itself, this only saves making one.
    public var isHead: Bool { connection.isHead }

    /// The client's socket, to watch it with `onPeerClose` while something is done for it.
    public var clientSocket: StreamSocket { connection.socket }

    /// What the access log will say.
    public var notes: ExchangeNotes { connection.notes }

    /// The other end of the connection; nil on unix sockets.
    public var peer: SocketAddress? { connection.peer }

    /// Sends a whole answer; the server adds Date and the framing.
    ///
    /// HEAD sends no body; neither do 204 and 304.
    /// - Throws: `connectionLost`, `clientTooSlow`.
    public consuming func send(_ response: HTTPResponse, body: [UInt8] = []) async throws(HTTPServerError) {
        try await connection.send(response, body: body)
    }

    /// Sends the head and lets the body follow in pieces.
    /// - Parameters:
    ///   - response: the head, without framing.
    ///   - contentLength: bytes of the body; nil sends it chunked, or up to the connection's end to HTTP/1.0.
    ///   - unread: how long this body may wait for a client that doesn't read; nil: the listener's `ServerLimits.unread`.
    /// - Returns: what writes the body.
    /// - Throws: `connectionLost`, `clientTooSlow`.
    public consuming func start(
        _ response: HTTPResponse, contentLength: Int64?, unread: Duration? = nil
    ) async throws(HTTPServerError) -> BodyWriter {
        connection.unread = unread
        connection.start(response, contentLength: contentLength)
        return BodyWriter(connection: connection)
    }

    /// Lends the client's socket to a relay, which writes head and body itself.
    ///
    /// When `body` throws, it must not have written anything: the error is then answered as any other.
    public consuming func relay(_ body: (StreamSocket) async throws -> RelayEnd) async throws {
        if !(try connection.flushWhatFits()) { try await connection.flush() }
        connection.beginRelay()
        connection.endRelay(try await body(connection.socket))
    }

    /// Closes the connection without an answer: what clients retry that take any answer for final.
    public consuming func closeWithoutAnswer() { connection.closeWithoutAnswer() }
}
