public import Observability

/// What is noted of an exchange for the access log while it runs. Belongs to the connection; reused for each request.
public final class ExchangeNotes {
    /// The route's name, for logs and metrics; the router sets it.
    public var route = ""
    /// The route's place among the router's `routeNames`; nil without one. Saves whoever counts a look-up by name.
    public var routeIndex: Int?
    /// The request's place in a trace, if the handler gave it one.
    public var trace: TraceContext?
    /// The status answered; 0 while there is none. Whoever relays sets it.
    public var status = 0
    /// Bytes of the answer's body. Whoever relays sets it.
    public var bytesOut: Int64 = 0

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
