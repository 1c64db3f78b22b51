public import Observability

/// What is noted of an exchange for the access log while it runs. Belongs to the connection; reused for each request.
/// `@exclusivity(unchecked)`: see docs/decisions/0008-unchecked-on-the-loop.md.
public final class ExchangeNotes {
    /// The route's name, for logs and metrics; the router sets it.
    @exclusivity(unchecked) public var route = ""
    /// The route's place among the router's `routeNames`; nil without one. Saves whoever counts a look-up by name.
    @exclusivity(unchecked) public var routeIndex: Int?
    /// The request's place in a trace, if the handler gave it one.
    @exclusivity(unchecked) public var trace: TraceContext?
    /// The status answered; 0 while there is none. Whoever relays sets it.
    @exclusivity(unchecked) public var status = 0
    /// Bytes of the answer's body. Whoever relays sets it.
    @exclusivity(unchecked) public var bytesOut: Int64 = 0

    /// Nothing noted yet.
    public init() {}

    func reset() {
        route = ""
        routeIndex = nil
        trace = nil
        status = 0
        bytesOut = 0
    }
}
