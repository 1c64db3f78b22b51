/// Why an exchange with an upstream didn't end as it should.
public struct RelayError: Error, Sendable, CustomStringConvertible {
    /// A closed set: safe as a metric label and in a `switch`.
    public enum Code: String, Sendable, CaseIterable {
        /// No connection: the name didn't resolve, nobody listens, or nobody answered within the connect deadline.
        case connect
        /// The upstream was silent for longer than its deadline.
        case timedOut
        /// What the upstream sent is no HTTP/1 answer that can be relayed safely.
        case badAnswer
        /// The upstream closed or reset the connection before its answer was complete.
        case upstreamClosed
        /// The client left, or read nothing for longer than its deadline.
        case clientClosed
        /// All connections to the upstream were in use for longer than the connect deadline.
        case saturated
        /// The request can't be relayed: not GET or HEAD, or a target with characters that have no place in it.
        case invalidRequest
        /// The caller's look at the head refused the answer.
        case rejected
    }

    /// What kind of failure it was.
    public var code: Code
    /// One sentence for people.
    public var message: String
    /// True when the client already has the head, so that nothing is left but closing its connection.
    public var headWasSent: Bool

    /// A failure.
    public init(_ code: Code, _ message: String, headWasSent: Bool = false) {
        self.code = code
        self.message = message
        self.headWasSent = headWasSent
    }

    /// Code and message.
    public var description: String { "\(code.rawValue): \(message)" }

    /// The same failure, met after the head had gone out.
    func afterHead() -> RelayError { RelayError(code, message, headWasSent: true) }
}
