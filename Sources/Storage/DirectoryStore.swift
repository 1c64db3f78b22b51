import Glibc
public import Model
public import Reactor

/// Objects as files below one folder.
///
/// All file-system calls run on the blocking pool. Nothing follows a symbolic link below the folder.
public final class DirectoryStore: ObjectStore {
    /// How a store behaves.
    struct Options: Sendable {
        /// Whether an object is on the disk when its writer returns.
        var sync: Bool
        /// What is left free for others.
        var minimumFree: ByteCount

        /// Throws `.full` where the file system of a folder has less than the reserve.
        func checkSpace(_ folder: borrowing OwnedDescriptor) throws(StorageError) {
            guard minimumFree.bytes > 0, let free = DirectoryStore.freeBytes(folder), free < minimumFree else { return }
            let reserve = "storage.min_free (\(minimumFree))"
            throw StorageError(.full, "the storage folder has \(free) left, less than \(reserve); free some space")
        }
    }

    let tree: DirectoryTree
    let pool: BlockingPool
    let durable = DurableFolders()
    private let options: Options

    /// Nothing is touched until `prepare()`.
    /// - Parameters:
    ///   - folder: path of the storage folder.
    ///   - pool: runs the file-system calls.
    ///   - sync: fdatasync each object and fsync its folders before its writer returns; false trusts the machine.
    ///   - minFree: new bytes are refused with `.full` while the file system has less than this.
    public init(folder: String, pool: BlockingPool, sync: Bool, minFree: ByteCount) {
        tree = DirectoryTree(path: folder)
        self.pool = pool
        options = Options(sync: sync, minimumFree: minFree)
    }

    /// Makes the storage folder where it is missing. Call once at the start.
    public func prepare() async throws(StorageError) {
        try await pool.blocking { [tree] () throws(StorageError) in try tree.makeRoot() }
    }

    /// Begins a new object; see `ObjectStore`.
    public func write(key: String) async throws(StorageError) -> any ObjectWriter {
        let key = try StorageKey(key)
        let sink = try await pool.blocking { [tree, options] () throws(StorageError) in
            try FileSink(key, in: tree, options)
        }
        return DirectoryWriter(sink, of: self)
    }

    /// Opens an object; see `ObjectStore`.
    public func read(key: String, from offset: Int64) async throws(StorageError) -> any ObjectReader {
        let key = try StorageKey(key)
        let file = try await pool.blocking { [tree] () throws(StorageError) in try ReadableFile(key, in: tree) }
        return DirectoryReader(file, key: key.text, from: offset, pool: pool)
    }

    /// The size of an object in bytes; see `ObjectStore`.
    public func size(key: String) async throws(StorageError) -> Int64 {
        let key = try StorageKey(key)
        return try await pool.blocking { [tree] () throws(StorageError) in
            let folder = try tree.openFolder(key.folders, make: false)
            guard let status = try DirectoryTree.status(of: key.name, in: folder), status.isFile else {
                throw StorageError(.notFound, "\(key.text) is not stored")
            }
            return Int64(status.st_size)
        }
    }

    /// Removes one object; see `ObjectStore`.
    public func remove(key: String) async throws(StorageError) {
        let key = try StorageKey(key)
        try await pool.blocking { [tree] () throws(StorageError) in
            try Self.ignoringAbsence { () throws(StorageError) in
                let folder = try tree.openFolder(key.folders, make: false)
                try DirectoryTree.unlink(key.name, in: folder)
            }
        }
    }

    /// Removes all below a prefix; see `ObjectStore`.
    public func remove(prefix: String) async throws(StorageError) {
        let key = try StorageKey(prefix)
        try await pool.blocking { [tree, durable] () throws(StorageError) in
            try Self.ignoringAbsence { () throws(StorageError) in
                let parent = try tree.openFolder(key.folders, make: false)
                guard let status = try DirectoryTree.status(of: key.name, in: parent), !status.isFile else {
                    return
                }
                durable.forget(key.text)
                try DirectoryTree.removeTree(key.name, in: parent)
            }
        }
    }

    /// Lists finished objects; see `ObjectStore`.
    public func list(prefix: String, after: String?, limit: Int) async throws(StorageError) -> [ListedObject] {
        let folders = prefix.isEmpty ? [] : try StorageKey(prefix).folders + [try StorageKey(prefix).name]
        return try await pool.blocking { [tree] () throws(StorageError) in
            var listing = DirectoryListing(after: after, limit: limit)
            try Self.ignoringAbsence { () throws(StorageError) in
                let folder = try tree.openFolder(folders, make: false)
                try listing.walk(folder, path: prefix)
            }
            return listing.found
        }
    }

    /// Free bytes of the storage folder's file system for ordinary users; nil where it can't be read.
    public func freeBytes() async -> ByteCount? {
        try? await pool.blocking { [tree] () throws(StorageError) -> ByteCount? in
            Self.freeBytes(try tree.openRoot())
        }
    }

    private static func freeBytes(_ folder: borrowing OwnedDescriptor) -> ByteCount? {
        var status = statvfs()
        guard fstatvfs(folder.number, &status) == 0 else { return nil }
        let (bytes, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return ByteCount(overflow ? .max : Int64(clamping: bytes))
    }

    private static func ignoringAbsence(_ work: () throws(StorageError) -> Void) throws(StorageError) {
        do throws(StorageError) { try work() } catch {
            if error.code != .notFound { throw error }
        }
    }
}
