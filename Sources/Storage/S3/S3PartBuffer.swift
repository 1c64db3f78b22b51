import Digests
import Glibc
import HTTPClient
import Synchronization

/// The memory in which one part of an object waits for its way to the store.
///
/// Mapped, not allocated: so its pages go back to the system with it, and a peak of uploads leaves nothing behind.
///
/// Invariant of `@unchecked Sendable`: its writer alone fills it, and never again once it was handed to a request; from then
/// on it is only read.
final class S3PartBuffer: @unchecked Sendable {
    /// How much fits.
    let capacity: Int
    /// How much is in.
    private(set) var count = 0
    private let memory: UnsafeMutableRawPointer
    private let reservation: S3Reservation

    /// Throws `.full` where the machine has no memory.
    init(_ reservation: S3Reservation) throws(StorageError) {
        let flags = Int32(MAP_PRIVATE | MAP_ANONYMOUS)
        let memory = mmap(nil, reservation.bytes, PROT_READ | PROT_WRITE, flags, -1, 0)
        guard let memory, memory != MAP_FAILED else {
            throw StorageError(.full, "no memory for \(reservation.bytes) bytes of an upload", errorNumber: errno)
        }
        self.memory = memory
        self.reservation = reservation
        capacity = reservation.bytes
    }

    deinit { munmap(memory, capacity) }

    /// Whether nothing more fits.
    var isFull: Bool { count == capacity }

    /// Takes as many bytes as fit.
    /// - Returns: how many that were.
    func take(_ bytes: UnsafeRawBufferPointer) -> Int {
        let taken = min(bytes.count, capacity - count)
        if taken > 0, let start = bytes.baseAddress {
            (memory + count).copyMemory(from: start, byteCount: taken)
            count += taken
        }
        return taken
    }

    /// A copy of some of its bytes.
    func slice(from start: Int, upTo limit: Int) -> [UInt8] {
        let begin = min(max(0, start), count)
        return Array(UnsafeRawBufferPointer(start: memory + begin, count: min(max(0, limit), count - begin)))
    }

    /// The hash of what is in.
    func digest() -> SHA256Digest { SHA256.digest(of: UnsafeRawBufferPointer(start: memory, count: count)) }
}

/// Reads a part for one try of a request.
final class S3PartSource: BodySource {
    private let buffer: S3PartBuffer
    private let position = Atomic(0)

    init(_ buffer: S3PartBuffer) { self.buffer = buffer }

    func read(upTo limit: Int) -> [UInt8] {
        let start = position.load(ordering: .relaxed)
        let bytes = buffer.slice(from: start, upTo: limit)
        position.store(start + bytes.count, ordering: .relaxed)
        return bytes
    }

    func rewind() -> Bool {
        position.store(0, ordering: .relaxed)
        return true
    }
}
