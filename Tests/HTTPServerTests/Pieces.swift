/// Cuts bytes at random, the same way for the same seed.
struct Pieces {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func random(below bound: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(bound))
    }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(random(below: 256)) } }

    /// Pieces of 1 to `longest` bytes.
    mutating func cut(_ bytes: [UInt8], longest: Int) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + 1 + random(below: longest))
            pieces.append(Array(bytes[start..<end]))
            start = end
        }
        return pieces
    }
}
