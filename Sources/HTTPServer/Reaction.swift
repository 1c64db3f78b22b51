public import HTTPTypes

/// What a request's head leads to; decided without a wait.
public enum Reaction: Sendable {
    /// An answer that memory has: it goes out at once, and no task is woken for it.
    case answer(ReadyAnswer)
    /// A handler that may wait, read the body, and stream.
    case handler(RouteHandler, RouteCaptures)
}

/// Decides what answers a request. Runs between a socket's readiness and the next socket's: it must not block.
///
/// It notes in `notes` what the access log is to say of the route.
public typealias RequestReaction = @Sendable (_ request: HTTPRequest, _ notes: ExchangeNotes) -> Reaction

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
