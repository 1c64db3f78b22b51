internal import CShims
import Glibc
internal import Reactor
import Synchronization

/// Tells, by proof alone, that another gateway on this machine has ended.
///
/// Each gateway locks a file of its own in the storage folder for as long as it lives. The kernel frees the lock when the last
/// thread of the process is gone, however it ended, and not before: not while it is stopped, swapped out, or cut off from the
/// database. (A lock of the database would be freed with its connection, which also breaks for those who live.) So a mark that was
/// locked by this kernel and is free tells that its gateway does nothing any more. Everything else tells nothing: a mark of another
/// machine or of an earlier boot, no mark at all, or a file system whose locks aren't this kernel's alone.
final class LifeMarks: Sendable {
    private let folder: String
    private let pool: BlockingPool
    /// Of this kernel's run; containers on it have the same.
    private let boot: [UInt8]
    private let own = Mutex<(holder: String, descriptor: Int32)?>(nil)

    private static let prefix = ".scaleodm-gateway-"
    /// ext4, XFS, Btrfs, ZFS, F2FS, tmpfs and overlays of them.
    private static let localFileSystems: Set<Int64> = [
        0xEF53, 0x5846_5342, 0x9123_683E, 0x2FC1_2FC1, 0xF2F5_2010, 0x0102_1994, 0x794C_7630,
    ]

    /// - Parameters:
    ///   - folder: the storage folder.
    ///   - pool: makes the calls on files.
    ///   - boot: what tells this kernel's run from all others; only tests give it.
    init(folder: String, pool: BlockingPool, boot: [UInt8]? = nil) {
        self.folder = folder
        self.pool = pool
        self.boot = boot ?? Self.content(of: open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC))
    }

    deinit { own.withLock { mark in if let mark { close(mark.descriptor) } } }

    /// Marks this gateway as living, before it takes its first lease.
    /// - Parameter holder: as its leases have it.
    /// - Returns: false where nobody could tell its end.
    func hold(as holder: String) async -> Bool {
        guard !boot.isEmpty, let path = path(of: holder) else { return false }
        guard let descriptor = try? await pool.run({ [boot] in Self.make(path, boot) }) else { return false }
        own.withLock { $0 = (holder, descriptor) }
        return true
    }

    /// Whether it is proven that a gateway has ended.
    func hasEnded(_ holder: String) async -> Bool {
        guard !boot.isEmpty, let path = path(of: holder) else { return false }
        return (try? await pool.run { [boot] in Self.isFree(path, boot) }) ?? false
    }

    /// Removes the mark of a gateway that has ended, once nothing asks for it any more.
    func forget(_ holder: String) async {
        guard let path = path(of: holder) else { return }
        _ = try? await pool.run { unlink(path) }
    }

    /// Removes this gateway's mark, after its leases were handed back.
    func letGo() async {
        guard let mark = own.withLock({ mark in mark.take() }) else { return }
        await forget(mark.holder)
        close(mark.descriptor)
    }

    /// As at the end of the process, for tests: the file stays, and nobody holds it.
    func die() {
        guard let mark = own.withLock({ mark in mark.take() }) else { return }
        close(mark.descriptor)
    }

    // MARK: Files

    /// A holder's name comes from the record: only what this program makes leads to a file.
    private func path(of holder: String) -> String? {
        let isName = holder.utf8.allSatisfy { byte in
            byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
        }
        guard isName, (1...64).contains(holder.utf8.count) else { return nil }
        return "\(folder)/\(Self.prefix)\(holder)"
    }

    /// The mark has its name only once it is locked.
    private static func make(_ path: String, _ boot: [UInt8]) -> Int32? {
        let unfinished = path + ".new"
        let descriptor = shim_open(unfinished, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o640)
        guard descriptor >= 0 else { return nil }
        let isLocked =
            localFileSystems.contains(shim_file_system(descriptor)) && flock(descriptor, LOCK_EX | LOCK_NB) == 0
        if isLocked, write(descriptor, boot, boot.count) == boot.count, rename(unfinished, path) == 0 {
            return descriptor
        }
        unlink(unfinished)
        close(descriptor)
        return nil
    }

    private static func isFree(_ path: String, _ boot: [UInt8]) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return false }
        guard localFileSystems.contains(shim_file_system(descriptor)) else {
            close(descriptor)
            return false
        }
        let isFree = flock(descriptor, LOCK_EX | LOCK_NB) == 0
        return content(of: descriptor) == boot && isFree
    }

    /// What a small file has; it is closed.
    private static func content(of descriptor: Int32) -> [UInt8] {
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 128)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return Array(bytes.prefix(max(0, count)))
    }
}
