internal import Reactor

/// What a listener has answered since the start.
struct Traffic: Sendable, Equatable {
    /// Requests that were answered, or broken off.
    var requests: UInt64 = 0
    /// Those of them that were answered 5xx.
    var errors: UInt64 = 0
    /// Bytes of requests' bodies.
    var receivedBytes: UInt64 = 0
    /// Bytes of answers' bodies.
    var sentBytes: UInt64 = 0

    static func + (left: Traffic, right: Traffic) -> Traffic {
        Traffic(
            requests: left.requests &+ right.requests, errors: left.errors &+ right.errors,
            receivedBytes: left.receivedBytes &+ right.receivedBytes, sentBytes: left.sentBytes &+ right.sentBytes)
    }

    /// What came between two readings of the same counters.
    static func - (later: Traffic, earlier: Traffic) -> Traffic {
        Traffic(
            requests: later.requests &- earlier.requests, errors: later.errors &- earlier.errors,
            receivedBytes: later.receivedBytes &- earlier.receivedBytes,
            sentBytes: later.sentBytes &- earlier.sentBytes)
    }
}

/// How much goes through now: over the last minute or so.
struct TrafficRate: Sendable, Equatable {
    var requests = 0.0
    var errors = 0.0
    var receivedBytes = 0.0
    var sentBytes = 0.0

    /// - Parameters:
    ///   - traffic: what came in that time.
    ///   - duration: how long that was; a very short one tells nothing.
    init(_ traffic: Traffic, in duration: Duration) {
        let seconds = duration.inSeconds
        guard seconds >= 0.1 else { return }
        requests = Double(traffic.requests) / seconds
        errors = Double(traffic.errors) / seconds
        receivedBytes = Double(traffic.receivedBytes) / seconds
        sentBytes = Double(traffic.sentBytes) / seconds
    }
}
