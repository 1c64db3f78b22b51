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
    public func next() -> RequestID { Self.mixed(counter.wrappingAdd(Self.step, ordering: .relaxed).newValue) }

    /// The next three at the price of one: for what needs more bits.
    func nextThree() -> (RequestID, RequestID, RequestID) {
        let last = counter.wrappingAdd(Self.step &* 3, ordering: .relaxed).newValue
        return (Self.mixed(last &- Self.step &* 2), Self.mixed(last &- Self.step), Self.mixed(last))
    }

    /// Odd, so that all 2^64 states are visited before one is repeated.
    private static let step: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// A bijection.
    private static func mixed(_ state: UInt64) -> RequestID {
        var bits = state
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return RequestID(bits: bits ^ bits >> 31)
    }
}
