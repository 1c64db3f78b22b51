import Glibc
internal import Reactor
import Synchronization

/// A download on its way: FILE.part, and beside it FILE.part.version, which says what it is a part of.
///
/// Only a whole download gets its name. All calls run on the blocking pool, one after another.
final class PartFile: Sendable {
    private let target: String
    private let pool: BlockingPool
    private let descriptor = Mutex<Int32?>(nil)
    private var path: String { "\(target).part" }
    private var versionPath: String { "\(target).part.version" }

    /// - Parameters:
    ///   - target: the name that it gets at the end.
    ///   - pool: does the work.
    init(_ target: String, pool: BlockingPool) {
        self.target = target
        self.pool = pool
    }

    deinit { descriptor.withLock { if let number = $0 { close(number) } } }

    /// What an earlier run left.
    /// - Parameter source: what it must be a part of.
    /// - Returns: how much there is, and whether it may be continued.
    /// - Throws: nothing in practice: what can't be read isn't there.
    func left(of source: String) async throws -> ResumePlan {
        try await pool.run { [self] in
            var facts = stat()
            guard stat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_size > 0 else {
                return ResumePlan()
            }
            let lines = Self.text(versionPath).split(separator: "\n", maxSplits: 1).map(String.init)
            guard lines.count == 2, lines[0] == source else { return ResumePlan(size: Int64(facts.st_size)) }
            let validator = lines[1].split(separator: "\n").first.map(String.init)
            return ResumePlan(size: Int64(facts.st_size), validator: validator)
        }
    }

    /// Opens it for what comes now.
    /// - Parameters:
    ///   - size: what is kept of what is there.
    ///   - source: what it is a part of.
    ///   - validator: names its version; nil: a later run starts again.
    /// - Throws: `CommandError`.
    func open(keeping size: Int64, of source: String, validator: String?) async throws {
        try await pool.run { [self] in
            try descriptor.withLock { descriptor in
                if let old = descriptor { close(old) }
                descriptor = nil
                let number = try Self.check(path) { Glibc.open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644) }
                descriptor = number
                _ = try Self.check(path) { ftruncate(number, off_t(size)) }
                _ = try Self.check(path) { lseek(number, off_t(size), SEEK_SET) < 0 ? -1 : 0 }
            }
            guard let validator else { return _ = unlink(versionPath) }
            try Self.write("\(source)\n\(validator)\n", to: versionPath)
        }
    }

    /// Adds bytes.
    func append(_ bytes: [UInt8]) async throws {
        try await pool.run { [self] in
            try descriptor.withLock { descriptor in
                guard let descriptor else { return }
                try Self.writeAll(bytes, to: descriptor, path)
            }
        }
    }

    /// All of it is there: it gets its name.
    func finish() async throws {
        try await pool.run { [self] in
            try descriptor.withLock { descriptor in
                if let number = descriptor {
                    _ = try Self.check(path) { fsync(number) }
                    close(number)
                }
                descriptor = nil
            }
            _ = try Self.check(target) { rename(path, target) }
            unlink(versionPath)
        }
    }

    /// It can't be continued: nothing of it stays.
    func discard() async {
        try? await pool.run { [self] in
            unlink(path)
            unlink(versionPath)
        }
    }

    // MARK: The file system

    private static func text(_ path: String) -> String {
        let number = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return "" }
        defer { close(number) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = bytes.withUnsafeMutableBytes { read(number, $0.baseAddress, $0.count) }
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    private static func write(_ text: String, to path: String) throws {
        let number = try check(path) { Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644) }
        defer { close(number) }
        try writeAll(Array(text.utf8), to: number, path)
    }

    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure(path) }
            rest = rest.dropFirst(count)
        }
    }

    private static func check(_ path: String, _ call: () -> Int32) throws -> Int32 {
        let result = call()
        guard result >= 0 else { throw failure(path) }
        return result
    }

    private static func failure(_ path: String) -> CommandError {
        CommandError("\(path): \(String(cString: strerror(errno)))")
    }
}
