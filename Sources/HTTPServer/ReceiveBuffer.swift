/// The bytes that a connection has received and not yet used. Holds memory only while there is something to hold.
///
/// Invariant of the raw memory: `storage` comes from a `BufferPool`, and `0 <= start <= end <= storage.count`.
struct ReceiveBuffer {
    private(set) var storage = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private(set) var start = 0
    private(set) var end = 0

    var isEmpty: Bool { start == end }
    var count: Int { end - start }
    var isLarge: Bool { storage.count > BufferPool.smallSize }

    /// The bytes at hand; valid until the next `prepare` or `release`.
    var bytes: UnsafeBufferPointer<UInt8> {
        UnsafeRawBufferPointer(rebasing: storage[start..<end]).bindMemory(to: UInt8.self)
    }

    mutating func consume(_ count: Int) { start += count }

    /// Where to receive: at least one byte, at most `limit`. Ends the validity of `bytes` handed out before.
    mutating func prepare(large: Bool, limit: Int, pool: BufferPool) -> UnsafeMutableRawBufferPointer {
        if isEmpty {
            start = 0
            end = 0
            if storage.isEmpty || (large && !isLarge) {
                pool.giveBack(storage)
                storage = pool.take(large: large)
            }
        } else if end == storage.count {
            moveToFront(large: large, pool: pool)
        }
        return UnsafeMutableRawBufferPointer(rebasing: storage[end..<min(storage.count, end + limit)])
    }

    /// Notes that so many bytes were received where `prepare` said.
    mutating func received(_ count: Int) { end += count }

    /// Only parts of heads and chunks stay unconsumed, and their parsers take all they are given: so there is room.
    private mutating func moveToFront(large: Bool, pool: BufferPool) {
        if start == 0 {
            let larger = pool.take(large: true)
            larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[..<end]))
            pool.giveBack(storage)
            storage = larger
        } else {
            let rest = UnsafeRawBufferPointer(rebasing: storage[start..<end])
            UnsafeMutableRawBufferPointer(rebasing: storage[..<rest.count]).copyMemory(from: rest)
            end = rest.count
            start = 0
        }
    }

    /// After a body: goes back to little memory if what is left fits.
    mutating func shrink(pool: BufferPool) {
        guard isLarge, count <= BufferPool.smallSize else { return }
        let small = pool.take(large: false)
        let rest = UnsafeRawBufferPointer(rebasing: storage[start..<end])
        small.copyMemory(from: rest)
        pool.giveBack(storage)
        storage = small
        start = 0
        end = rest.count
    }

    /// Gives the memory back; only when nothing is left in it.
    mutating func release(pool: BufferPool) {
        pool.giveBack(storage)
        storage = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        start = 0
        end = 0
    }
}
