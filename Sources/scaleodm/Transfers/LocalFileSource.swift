import Glibc
internal import HTTPClient
internal import Reactor
import Synchronization

/// Streams a local file into an upload and counts what it gave.
final class LocalFileSource: BodySource {
    private struct State {
        var descriptor: Int32?
        var given: Int64 = 0
    }

    private let file: LocalFile
    private let progress: ProgressDisplay
    private let state = Mutex(State())

    /// One pool for all: reads of local files seldom wait.
    private static let pool = BlockingPool(threads: 4)

    init(_ file: LocalFile, progress: ProgressDisplay) {
        self.file = file
        self.progress = progress
    }

    deinit { state.withLock { if let descriptor = $0.descriptor { close(descriptor) } } }

    /// Bytes given so far.
    var given: Int64 { state.withLock { $0.given } }

    func read(upTo limit: Int) async throws -> [UInt8] {
        let bytes = try await Self.pool.run { [self] in
            // Held over the read: a source is read by one request, and rewound by nobody meanwhile.
            try state.withLock { state in
                let descriptor = try state.descriptor ?? Self.open(file.path)
                state.descriptor = descriptor
                return try Self.read(descriptor, from: state.given, upTo: limit, path: file.path)
            }
        }
        state.withLock { $0.given += Int64(bytes.count) }
        progress.advance(by: Int64(bytes.count))
        return bytes
    }

    func rewind() -> Bool {
        progress.advance(by: -given)
        state.withLock { $0.given = 0 }
        return true
    }

    private static func open(_ path: String) throws -> Int32 {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw CommandError("\(path): \(String(cString: strerror(errno)))") }
        return descriptor
    }

    private static func read(_ descriptor: Int32, from offset: Int64, upTo limit: Int, path: String) throws -> [UInt8] {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, filled in
            var count = -1
            repeat {
                count = pread(descriptor, buffer.baseAddress, limit, off_t(offset))
            } while count < 0 && errno == EINTR
            if count < 0 { failure = errno }
            filled = max(0, count)
        }
        guard failure == 0 else { throw CommandError("\(path): \(String(cString: strerror(failure)))") }
        return bytes
    }
}
