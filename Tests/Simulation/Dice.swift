import Model
import Synchronization

/// Every chance in a simulated world, from its seed.
final class Dice: RandomBits {
    private let state: Mutex<UInt64>

    /// Seeds next to each other have nothing in common.
    init(seed: UInt64) {
        state = Mutex(seed)
        let start = next() ^ 0x5851_F42D_4C95_7F2D
        state.withLock { $0 = start }
    }

    /// SplitMix64.
    func next() -> UInt64 {
        state.withLock { state in
            state &+= 0x9E37_79B9_7F4A_7C15
            var bits = state
            bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
            bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
            return bits ^ (bits >> 31)
        }
    }

    /// One of so many.
    func pick(_ count: Int) -> Int { Int(next() % UInt64(max(1, count))) }

    /// From 0 to below 1.
    func fraction() -> Double { Double(next() >> 11) * 0x1p-53 }

    func chance(_ probability: Double) -> Bool { probability > 0 && fraction() < probability }

    /// A duration between two numbers of seconds.
    func seconds(_ least: Double, _ most: Double) -> Duration {
        .milliseconds(Int64((least + (most - least) * fraction()) * 1000))
    }
}
