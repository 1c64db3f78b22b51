import Model

/// How long a task would wait at a backend, for comparison between backends.
///
///     work 300 images, 1 slot,  weight 1 → 300
///     work 300 images, 3 slots, weight 1 → 100
///     work 300 images, 3 slots, weight 2 →  50
enum PredictedWait {
    /// Work ahead ÷ (slots × weight).
    static func wait(work: Double, slots: Int, weight: Double) -> Double {
        work / (Double(max(1, slots)) * max(weight, 0.001))
    }

    /// Whether a staged task waits longer at its node than it takes to send its inputs to another.
    static func isLongerThanSendingAgain(wait: Double, size: ByteCount, _ policy: Policy) -> Bool {
        wait * policy.secondsPerImage > Double(size.bytes) / max(policy.transferRate, 1)
    }
}
