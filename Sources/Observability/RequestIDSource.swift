import Synchronization

/// Makes request ids: a counter that starts at a random place, mixed by splitmix64.
///
/// Never the same twice in a process, and much cheaper than asking the system for randomness with each request. Names
/// only, never secrets.
public final class RequestIDSource: Sendable {
    private let counter: Atomic<UInt64>

    /// Starts at a random place, or at a given one in a simulated world.
    public init(seed: UInt64? = nil) {
        counter = Atomic(seed ?? .random(in: 0 ... .max))
    }

    /// The next id; for any thread.
    public func next() -> RequestID {
        // The odd step visits all 2^64 states before it repeats one; the mixing is a bijection.
        var bits = counter.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return RequestID(bits: bits ^ bits >> 31)
    }
}
