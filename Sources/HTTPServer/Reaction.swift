public import HTTPTypes
public import Reactor

/// What a request's head leads to; decided without a wait.
public enum Reaction {
    /// An answer that memory has: it goes out at once, and no task is woken for it.
    case answer(ReadyAnswer)
    /// An answer that another server gives, passed on as it comes; the handler is asked where that can't begin at once.
    case relay(any RelayedAnswer, orElse: RouteHandler, RouteCaptures)
    /// A handler that may wait, read the body, and stream.
    case handler(RouteHandler, RouteCaptures)
}

/// Decides what answers a request. Runs between a socket's readiness and the next socket's: it must not block.
///
/// It notes in `notes` what the access log is to say of the route.
public typealias RequestReaction = @Sendable (_ request: HTTPRequest, _ notes: ExchangeNotes) -> Reaction

/// What a route may have before its handler is asked.
public enum InstantAnswer {
    /// A whole answer in memory.
    case ready(ReadyAnswer)
    /// Another server's.
    case relayed(any RelayedAnswer)
}

/// An answer that another server gives. It is passed on between sockets' turns and wakes no task, as long as there is nothing but that
/// server to wait for.
public protocol RelayedAnswer: AnyObject {
    /// Asks for the answer.
    /// - Parameters:
    ///   - client: gets head and body. Until the end nobody else writes to it.
    ///   - notes: told of status and bytes.
    ///   - whenStopped: called once, later and on the loop: with what becomes of the client's connection, or with nil where `finish` has
    ///     to see to the rest.
    /// - Returns: false where there is something to wait for at once, or something wrong; then it isn't called.
    func begin(
        for client: StreamSocket, _ notes: ExchangeNotes, whenStopped: @escaping (RelayEnd?) -> Void
    ) -> Bool
    /// Sees to the rest in the connection's task, wherever it is.
    /// - Returns: whether another request may follow.
    /// - Throws: what is to be answered, if nothing has gone out yet.
    func finish() async throws -> RelayEnd
}

/// A whole answer in memory.
public struct ReadyAnswer: Sendable {
    /// Status and fields, in the bytes that go over the wire: composed once for many answers.
    public final class Head: Sendable {
        let response: HTTPResponse
        let statusLine: [UInt8]
        let fieldLines: [UInt8]

        /// - Parameter response: a status that has a body, and no field that the server writes itself; another is a bug of the
        ///   program and traps.
        public init(_ response: HTTPResponse) {
            precondition(
                !response.status.hasNoBody && !response.fields.hasFraming,
                "an answer made ready has a body, and leaves its framing to the server")
            self.response = response
            var line: [UInt8] = []
            response.status.writeLine(to: &line)
            statusLine = line
            var fields: [UInt8] = []
            response.fields.write(to: &fields)
            fieldLines = fields
        }
    }

    /// Status and fields.
    public let head: Head
    /// The body.
    public let body: [UInt8]

    /// An answer.
    public init(_ head: Head, body: [UInt8]) {
        self.head = head
        self.body = body
    }

    /// The same by a handler, for connections that can't be answered at once.
    var handler: RouteHandler {
        { _, _, _, response in try await response.send(head.response, body: body) }
    }
}
