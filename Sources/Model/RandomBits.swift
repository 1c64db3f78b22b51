/// Where randomness comes from: the system's generator, or a seeded one in a simulated world.
public protocol RandomBits: Sendable {
    /// 64 uniformly random bits.
    func next() -> UInt64
}

/// The system's generator.
public struct SystemRandomBits: RandomBits {
    /// Needs nothing.
    public init() {}
    /// 64 bits of the system's cryptographically secure generator.
    public func next() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
}
