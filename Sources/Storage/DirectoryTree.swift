import Glibc

/// The storage folder as a tree of descriptors: every step is one `openat` that follows no symbolic link, so that
/// nothing placed in the folder leads out of it.
///
/// Calls block; they run on the blocking pool.
struct DirectoryTree: Sendable {
    /// The storage folder itself; may be a symbolic link of the operator's.
    let path: String

    private static let folderFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC

    /// Opens the storage folder by its path: a volume that was mounted again is found, and one isn't kept busy.
    func openRoot() throws(StorageError) -> OwnedDescriptor {
        let number = try system("storage folder \(path)") { open(path, Self.folderFlags) }
        return OwnedDescriptor(adopting: number)
    }

    /// Makes the storage folder and what is missing above it.
    func makeRoot() throws(StorageError) {
        var made = path.hasPrefix("/") ? "/" : "."
        for segment in path.split(separator: "/") {
            let parent = made
            made += "/" + segment
            guard mkdir(made, 0o750) == 0 else {
                let number = errno
                if number == EEXIST { continue }
                throw StorageError("storage folder \(made)", number)
            }
            let folder = OwnedDescriptor(adopting: try system(parent) { open(parent, Self.folderFlags) })
            try system(parent) { fsync(folder.number) }
        }
    }

    /// Opens a folder below the storage folder. Throws `.notFound` unless it may be made.
    func openFolder(_ segments: [String], make: Bool) throws(StorageError) -> OwnedDescriptor {
        var folder = try openRoot()
        for segment in segments {
            if make { try Self.make(segment, in: folder) }
            folder = try Self.openFolder(segment, in: folder)
        }
        return folder
    }

    /// Opens one folder inside another.
    static func openFolder(_ name: String, in folder: borrowing OwnedDescriptor) throws(StorageError) -> OwnedDescriptor
    {
        let number = try system("folder \(name)") { openat(folder.number, name, folderFlags | O_NOFOLLOW) }
        return OwnedDescriptor(adopting: number)
    }

    private static func make(_ name: String, in folder: borrowing OwnedDescriptor) throws(StorageError) {
        guard mkdirat(folder.number, name, 0o750) != 0 else { return }
        let number = errno
        if number != EEXIST { throw StorageError("folder \(name)", number) }
    }

    /// What the folder holds, unsorted, without `.` and `..`.
    static func names(in folder: borrowing OwnedDescriptor) throws(StorageError) -> [String] {
        // A descriptor of its own, since closedir() closes the one it was given.
        let number = try system("folder") { openat(folder.number, ".", folderFlags) }
        guard let stream = fdopendir(number) else {
            let failure = errno
            _ = close(number)
            throw StorageError("folder", failure)
        }
        defer { closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw StorageError("folder", errno) }
        return names
    }

    /// What a name stands for, without following a symbolic link; nil where it is gone.
    static func status(of name: String, in folder: borrowing OwnedDescriptor) throws(StorageError) -> stat? {
        var status = stat()
        guard fstatat(folder.number, name, &status, AT_SYMLINK_NOFOLLOW) != 0 else { return status }
        let number = errno
        if number == ENOENT { return nil }
        throw StorageError(name, number)
    }

    /// Removes a name that isn't a folder; one that isn't there is removed already.
    static func unlink(_ name: String, in folder: borrowing OwnedDescriptor) throws(StorageError) {
        guard unlinkat(folder.number, name, 0) != 0 else { return }
        let number = errno
        if number != ENOENT { throw StorageError("remove \(name)", number) }
    }

    /// Removes a folder and all in it. A symbolic link is removed, what it leads to is not touched.
    static func removeTree(_ name: String, in parent: borrowing OwnedDescriptor, depth: Int = 0) throws(StorageError) {
        guard depth <= StorageKey.maximumDepth else {
            throw StorageError(.failed, "\(name) is nested deeper than this store makes folders; remove it by hand")
        }
        guard let status = try status(of: name, in: parent) else { return }
        guard status.isFolder else { return try unlink(name, in: parent) }
        let folder: OwnedDescriptor
        do { folder = try openFolder(name, in: parent) } catch {
            if error.code == .notFound { return }
            throw error
        }
        for entry in try names(in: folder) { try removeTree(entry, in: folder, depth: depth + 1) }
        guard unlinkat(parent.number, name, AT_REMOVEDIR) != 0 else { return }
        let number = errno
        if number != ENOENT { throw StorageError("remove \(name)", number) }
    }
}

extension stat {
    /// A real folder, not a link to one.
    var isFolder: Bool { st_mode & S_IFMT == S_IFDIR }
    /// An ordinary file.
    var isFile: Bool { st_mode & S_IFMT == S_IFREG }
    /// Milliseconds since 1970 of the last write.
    var modifiedMilliseconds: Int64 { Int64(st_mtim.tv_sec) * 1000 + Int64(st_mtim.tv_nsec) / 1_000_000 }
}
