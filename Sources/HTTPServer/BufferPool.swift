/// Receive buffers of one loop's connections, kept for the next one that needs one.
/// `@exclusivity(unchecked)`: see docs/decisions/0008-unchecked-on-the-loop.md.
final class BufferPool {
    /// Enough for any usual head: what a connection holds while a request is read.
    static let smallSize = 16 * 1024
    /// What a connection holds while a body is read: few system calls, still in the second-level cache.
    static let largeSize = 256 * 1024
    private static let smallKept = 64
    private static let largeKept = 8

    @exclusivity(unchecked) private var small: [UnsafeMutableRawBufferPointer] = []
    @exclusivity(unchecked) private var large: [UnsafeMutableRawBufferPointer] = []

    deinit {
        for buffer in small + large { buffer.deallocate() }
    }

    func take(large isLarge: Bool) -> UnsafeMutableRawBufferPointer {
        if isLarge {
            return large.popLast() ?? .allocate(byteCount: Self.largeSize, alignment: 4096)
        }
        return small.popLast() ?? .allocate(byteCount: Self.smallSize, alignment: 64)
    }

    func giveBack(_ buffer: UnsafeMutableRawBufferPointer) {
        switch buffer.count {
        case Self.smallSize where small.count < Self.smallKept: small.append(buffer)
        case Self.largeSize where large.count < Self.largeKept: large.append(buffer)
        case 0: break
        default: buffer.deallocate()
        }
    }
}
