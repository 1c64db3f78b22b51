import Digests
import Glibc
public import Model

/// What belongs to the folder and not to one object: its identity, and what a crash left behind.
extension DirectoryStore {
    /// The folder's identity file.
    static let identityName = ".scaleodm-storage"

    /// The identity that was written into the folder; nil where it has none (a volume that isn't mounted, say).
    public func identity() async throws(StorageError) -> String? {
        try await pool.blocking { [tree] () throws(StorageError) in
            do throws(StorageError) { return try Self.readIdentity(tree.openRoot()) } catch {
                if error.code == .notFound { return nil }
                throw error
            }
        }
    }

    /// Writes an identity into a folder that has none.
    /// - Parameter id: one line of printable ASCII, such as a UUID.
    /// - Returns: the folder's identity: the given one, or the one it had.
    /// - Throws: `.invalidKey` for any other text.
    public func establishIdentity(_ id: String) async throws(StorageError) -> String {
        guard (1...128).contains(id.utf8.count), id.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw StorageError(.invalidKey, "a storage identity is 1 to 128 printable characters")
        }
        return try await pool.blocking { [tree] () throws(StorageError) in
            let root = try tree.openRoot()
            if let known = try Self.readIdentity(root) { return known }
            try Self.writeIdentity(id, in: root)
            // Of several gateways that start at once on an empty folder, one was the first.
            return try Self.readIdentity(root) ?? id
        }
    }

    /// Removes files whose writer never came to its end and that nobody wrote to since a moment.
    ///
    /// At a start of the only gateway on this folder that moment is now; else it must lie further back than any
    /// upload can pause (`limits.idle`).
    /// - Parameter moment: younger ones are left alone.
    /// - Returns: how many were removed.
    /// - Throws: `.failed` where the folder can't be read.
    public func removeUnfinished(untouchedSince moment: Timestamp) async throws(StorageError) -> Int {
        try await pool.blocking { [tree] () throws(StorageError) in
            try Self.sweep(tree.openRoot(), before: moment.milliseconds, depth: 0)
        }
    }

    private static func sweep(_ folder: borrowing OwnedDescriptor, before moment: Int64, depth: Int)
        throws(StorageError) -> Int
    {
        guard depth < StorageKey.maximumDepth else { return 0 }
        var removed = 0
        for name in try DirectoryTree.names(in: folder) {
            guard let status = try DirectoryTree.status(of: name, in: folder) else { continue }
            if status.isFolder, StorageKey.isSegment(name) {
                // One that vanished since it was listed holds nothing to sweep.
                guard let child = try? DirectoryTree.openFolder(name, in: folder) else { continue }
                removed += try sweep(child, before: moment, depth: depth + 1)
            } else if status.isFile, name.hasPrefix(FileSink.unfinishedMark), status.modifiedMilliseconds <= moment {
                try DirectoryTree.unlink(name, in: folder)
                removed += 1
            }
        }
        return removed
    }

    private static func readIdentity(_ root: borrowing OwnedDescriptor) throws(StorageError) -> String? {
        let number = openat(root.number, identityName, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard number >= 0 else {
            let failure = errno
            if failure == ENOENT { return nil }
            throw StorageError(identityName, failure)
        }
        let file = OwnedDescriptor(adopting: number)
        var bytes = [UInt8](repeating: 0, count: 130)
        let count = try system(identityName) { Glibc.read(file.number, &bytes, bytes.count) }
        let line = bytes[..<count].prefix { $0 != 0x0A }
        guard !line.isEmpty else { return nil }
        return String(decoding: line, as: UTF8.self)
    }

    /// Writes the whole file under a name of its own, and gives it its name unless there is one by then.
    private static func writeIdentity(_ id: String, in root: borrowing OwnedDescriptor) throws(StorageError) {
        let unfinished = FileSink.unfinishedMark + "identity-" + Hexadecimal.encode(RandomBytes.make(8))
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let file = OwnedDescriptor(
            adopting: try system(identityName) { openat(root.number, unfinished, flags, 0o640) })
        let line = Array((id + "\n").utf8)
        let written = try system(identityName) { Glibc.write(file.number, line, line.count) }
        guard written == line.count else { throw StorageError(identityName, ENOSPC) }
        try system(identityName) { fsync(file.number) }
        if linkat(root.number, unfinished, root.number, identityName, 0) == 0 || errno == EEXIST {
            try DirectoryTree.unlink(unfinished, in: root)
        } else {
            // A file system without links: no two gateways share it.
            try system(identityName) { renameat(root.number, unfinished, root.number, identityName) }
        }
        try system(identityName) { fsync(root.number) }
    }
}
