internal import Reactor

/// The one buffer through which a loop's copied answers pass, with room in front for the head and behind for a chunk's end.
///
/// Nothing in it outlives a suspension: what a slow client didn't take is copied out (`Leftover`) before anybody waits. So
/// a thousand open downloads share one buffer.
/// `@exclusivity(unchecked)`: see docs/decisions/0008-unchecked-on-the-loop.md.
final class Scratch {
    /// Room in front of what was received: for a head that grew, and a chunk's size line.
    static let headroom = 16_384
    /// How much one read takes at most.
    static let capacity = 131_072
    /// Room behind: CRLF and the last chunk.
    static let tailroom = 16

    let memory: UnsafeMutableRawBufferPointer
    /// Where heads are composed; keeps its capacity.
    @exclusivity(unchecked) var head: [UInt8] = []

    init() {
        memory = .allocate(byteCount: Self.headroom + Self.capacity + Self.tailroom, alignment: 4_096)
        head.reserveCapacity(4_096)
    }

    deinit { memory.deallocate() }

    /// The part of the memory.
    func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: memory[range])
    }

    /// Receives behind `prefix` bytes that are there already.
    /// - Returns: nil when nothing is there yet, 0 at the peer's end.
    func receive(from socket: StreamSocket, after prefix: Int) throws(ReactorError) -> Int? {
        let start = Self.headroom + prefix
        return try socket.receiveNow(
            into: UnsafeMutableRawBufferPointer(rebasing: memory[start..<Self.headroom + Self.capacity]))
    }

    /// Moves a range to another place; they may overlap.
    func move(_ range: Range<Int>, to start: Int) {
        guard range.lowerBound != start, !range.isEmpty else { return }
        UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + range.count])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[range]))
    }

    /// Writes bytes at a place.
    func put(_ bytes: [UInt8], at start: Int) {
        bytes.withUnsafeBytes {
            UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + bytes.count]).copyMemory(from: $0)
        }
    }
}

/// Bytes that a peer has not taken yet, in memory of their own while their task waits.
final class Leftover {
    private let memory: UnsafeMutableRawBufferPointer

    /// Copies the bytes.
    init(_ bytes: UnsafeRawBufferPointer) {
        memory = .allocate(byteCount: bytes.count, alignment: 16)
        memory.copyMemory(from: bytes)
    }

    /// Copies a head and the bytes behind it.
    init(_ head: [UInt8], _ bytes: UnsafeRawBufferPointer) {
        memory = .allocate(byteCount: head.count + bytes.count, alignment: 16)
        memory.copyBytes(from: head)
        UnsafeMutableRawBufferPointer(rebasing: memory[head.count...]).copyMemory(from: bytes)
    }

    deinit { memory.deallocate() }

    /// The bytes.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(memory) }
}
