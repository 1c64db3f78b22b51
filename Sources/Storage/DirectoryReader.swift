import Glibc
import Reactor
import Synchronization

/// Reads one object of a `DirectoryStore` in order; each call is one hop to the blocking pool.
final class DirectoryReader: ObjectReader {
    let size: Int64
    private let key: String
    private let pool: BlockingPool
    private let state: Mutex<State>

    private struct State {
        var file: ReadableFile?
        var offset: Int64
    }

    init(_ file: ReadableFile, key: String, from offset: Int64, pool: BlockingPool) {
        size = file.size
        self.key = key
        self.pool = pool
        state = Mutex(State(file: file, offset: max(0, offset)))
    }

    func read(upTo count: Int) async throws(StorageError) -> [UInt8] {
        let (current, offset) = state.withLock { ($0.file, $0.offset) }
        guard let file = current else { throw StorageError(.closed, "\(key) was closed before") }
        let wanted = Int(clamping: min(Int64(max(0, count)), size - offset))
        guard wanted > 0 else { return [] }
        let bytes = try await pool.blocking { [key] () throws(StorageError) in
            try file.read(wanted, at: offset, key)
        }
        state.withLock { $0.offset = offset + Int64(bytes.count) }
        return bytes
    }

    func close() async { state.withLock { $0.file = nil } }
}

/// An open file; closed when the last call that uses it has returned.
final class ReadableFile: Sendable {
    let size: Int64
    private let descriptor: OwnedDescriptor

    /// For libarchive, which reads it by position of its own: one archive a file, nothing else beside it.
    var number: Int32 { descriptor.number }

    private static let readAhead: off_t = 2 << 20

    /// Opens an ordinary file. Throws `.notFound`, also where the name is anything else.
    init(_ key: StorageKey, in tree: DirectoryTree) throws(StorageError) {
        let folder = try tree.openFolder(key.folders, make: false)
        // O_NONBLOCK: a FIFO that someone put here must not hold a thread.
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        let descriptor = OwnedDescriptor(
            adopting: try system(key.text) { openat(folder.number, key.name, flags) })
        var status = stat()
        try system(key.text) { fstat(descriptor.number, &status) }
        guard status.isFile else { throw StorageError(.notFound, "\(key.text) is not a file") }
        size = Int64(status.st_size)
        posix_fadvise(descriptor.number, 0, 0, POSIX_FADV_SEQUENTIAL)
        self.descriptor = descriptor
    }

    /// The bytes at an offset, as many as the system has at once. Throws `.truncated` at the file's end.
    func read(_ count: Int, at offset: Int64, _ key: String) throws(StorageError) -> [UInt8] {
        var failure: StorageError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            do throws(StorageError) {
                filled = try system(key) { pread(descriptor.number, buffer.baseAddress, count, off_t(offset)) }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        guard !bytes.isEmpty else {
            throw StorageError(.truncated, "\(key) ends at byte \(offset) of \(size)")
        }
        let next = offset + Int64(bytes.count)
        if next < size { posix_fadvise(descriptor.number, off_t(next), Self.readAhead, POSIX_FADV_WILLNEED) }
        return bytes
    }
}
