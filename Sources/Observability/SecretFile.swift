import Glibc
import Synchronization

/// A secret's file: read at first, and again when it changed.
final class SecretFile: Sendable {
    /// What tells two versions of a file apart without reading it.
    private struct Version: Equatable {
        var device: UInt64 = 0
        var node: UInt64 = 0
        var size: Int64 = 0
        var seconds: Int = 0
        var nanoseconds: Int = 0
    }

    private struct State {
        var version: Version
        var value: String
    }

    private static let mostBytes = 64 << 10
    private let path: String
    private let state: Mutex<State>

    init(path: String) throws(SecretError) {
        self.path = path
        let (version, value) = try Self.read(path)
        state = Mutex(State(version: version, value: value))
    }

    /// What it holds now.
    ///
    /// A version that can't be read (half-written, gone) leaves the last good one in use.
    func current() -> String {
        state.withLock { state in
            guard let version = Self.version(of: path), version != state.version else { return state.value }
            guard let (read, value) = try? Self.read(path) else { return state.value }
            state = State(version: read, value: value)
            return value
        }
    }

    private static func version(of path: String) -> Version? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return version(status)
    }

    private static func version(_ status: stat) -> Version {
        Version(
            device: UInt64(status.st_dev), node: UInt64(status.st_ino), size: Int64(status.st_size),
            seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
    }

    private static func read(_ path: String) throws(SecretError) -> (Version, String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw unreadable(path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw unreadable(path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw SecretError(code: .unreadable, message: "\(path) is not a regular file")
        }
        var bytes = [UInt8](repeating: 0, count: mostBytes + 1)
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress?.advanced(by: count), $0.count - count)
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw unreadable(path) }
            if got == 0 { break }
            count += got
        }
        return (version(status), try text(bytes[..<count], of: path))
    }

    private static func text(_ bytes: ArraySlice<UInt8>, of path: String) throws(SecretError) -> String {
        guard bytes.count <= mostBytes, !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
            throw SecretError(code: .malformed, message: "\(path) holds no text of at most 64 KiB")
        }
        let line = text.hasSuffix("\r\n") || text.hasSuffix("\n") ? String(text.dropLast()) : text
        guard !line.isEmpty else { throw SecretError(code: .empty, message: "\(path) is empty") }
        return line
    }

    private static func unreadable(_ path: String) -> SecretError {
        SecretError(code: .unreadable, message: "\(path) can't be read: \(String(cString: strerror(errno)))")
    }
}
