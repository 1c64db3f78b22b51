internal import Glibc

/// Holds `<file>.lock` for as long as the database is open, so that a second program, or a second start, is refused.
///
/// flock(2), not SQLite's own exclusive mode: the readers are connections of their own, and the kernel frees the lock
/// with the process, however it ends. The file stays behind, empty and harmless: removing it would race with a start.
final class SQLiteFileLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock without waiting.
    /// - Parameter path: the database file's resolved path.
    /// - Throws: `.locked` when another holder exists, `.unavailable` when the folder can't be written.
    init(of path: String) throws(DatabaseError) {
        let lockPath = path + ".lock"
        let descriptor = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw DatabaseError(
                .unavailable, "\(lockPath) can't be opened: \(Self.text(of: errno)). Is the folder there and writable?")
        }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let reason = errno
            if reason == EINTR { continue }
            close(descriptor)
            guard reason == EWOULDBLOCK else {
                throw DatabaseError(.unavailable, "\(lockPath) can't be locked: \(Self.text(of: reason)).")
            }
            throw DatabaseError(
                .locked, "\(path) is in use by another running program; stop that one first, or give this its own file."
            )
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// The one path of a file whatever links lead to it, so that there is one lock; the file is made if it is missing.
    /// - Throws: `.unavailable` when it can't be made.
    static func resolve(_ path: String) throws(DatabaseError) -> String {
        // Made here, before SQLite would: it holds tokens, so nobody else may read it.
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw DatabaseError(
                .unavailable, "\(path) can't be opened: \(text(of: errno)). Is the folder there and writable?")
        }
        close(descriptor)
        guard let resolved = realpath(path, nil) else {
            throw DatabaseError(.unavailable, "\(path) can't be resolved: \(text(of: errno)).")
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func text(of number: Int32) -> String { String(cString: strerror(number)) }
}
