import Digests
import Glibc
import Model
import Synchronization

/// The blocking half of a `DirectoryWriter`: one new file, its hash and its way to the disk.
///
/// The file is written as `.part-NAME` and gets its name when it is whole, so that a crash leaves nothing that looks
/// like an object. Whoever holds the `.part-` file (made with O_EXCL) is alone in making NAME.
///
/// Invariant: the writer awaits each of its calls before the next, so that one thread of the pool at a time is in here;
/// `inUse` asserts it.
final class FileSink: @unchecked Sendable {
    private let key: StorageKey
    private let options: DirectoryStore.Options
    private let folder: OwnedDescriptor
    private var file: OwnedDescriptor?
    private var hash = SHA256()
    private var size: Int64 = 0
    private var writeBack = WriteBack()
    private var spaceCheckedAt: Int64 = 0
    private let inUse = Atomic(false)

    static let unfinishedMark = ".part-"
    private static let spaceStep: Int64 = 32 << 20

    /// Makes the folders and the file.
    init(_ key: StorageKey, in tree: DirectoryTree, _ options: DirectoryStore.Options) throws(StorageError) {
        self.key = key
        self.options = options
        let folder = try tree.openFolder(key.folders, make: true)
        try options.checkSpace(folder)
        let partName = Self.unfinishedMark + key.name
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let file = OwnedDescriptor(adopting: try system(key.text) { openat(folder.number, partName, flags, 0o640) })
        if try DirectoryTree.status(of: key.name, in: folder) != nil {
            try DirectoryTree.unlink(partName, in: folder)
            throw StorageError(.exists, "\(key.text) is stored already")
        }
        self.folder = folder
        self.file = consume file
    }

    /// Hashes and writes all of the bytes.
    func append(_ bytes: UnsafeRawBufferPointer) throws(StorageError) {
        enter()
        defer { leave() }
        guard let number = file?.number else { throw Self.ended(key) }
        do throws(StorageError) {
            hash.update(bytes)
            try Self.write(bytes, to: number, key)
            size += Int64(bytes.count)
            if options.sync { try writeBack.advance(number, size: size) }
            try checkSpace()
        } catch {
            // The file's content is unknown now: nothing may be added to it.
            discard()
            throw error
        }
    }

    /// Makes the file durable and gives it its name.
    func finish(_ tree: DirectoryTree, _ durable: DurableFolders) throws(StorageError) -> StoredObject {
        enter()
        defer { leave() }
        guard let number = file?.number else { throw Self.ended(key) }
        do throws(StorageError) {
            if options.sync { try system(key.text) { fdatasync(number) } }
            try system(key.text) {
                renameat(folder.number, Self.unfinishedMark + key.name, folder.number, key.name)
            }
            if options.sync {
                try system(key.text) { fsync(folder.number) }
                try durable.settle(key, in: tree)
            }
        } catch {
            discard()
            throw error
        }
        file = nil
        return StoredObject(key: key.text, size: ByteCount(size), digest: hash.finish())
    }

    /// Removes the unfinished file.
    func abort() {
        enter()
        defer { leave() }
        discard()
    }

    private func discard() {
        guard file != nil else { return }
        file = nil
        // What can't be removed now is found by the sweep for unfinished files.
        try? DirectoryTree.unlink(Self.unfinishedMark + key.name, in: folder)
    }

    private func checkSpace() throws(StorageError) {
        guard size - spaceCheckedAt >= Self.spaceStep else { return }
        spaceCheckedAt = size
        try options.checkSpace(folder)
    }

    private static func write(
        _ bytes: UnsafeRawBufferPointer, to number: Int32, _ key: StorageKey
    ) throws(StorageError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest)
            let count = try system(key.text) { Glibc.write(number, part.baseAddress, part.count) }
            rest = rest.dropFirst(count)
        }
    }

    private static func ended(_ key: StorageKey) -> StorageError {
        StorageError(.closed, "\(key.text) was finished, aborted or failed before")
    }

    private func enter() {
        let wasInUse = inUse.exchange(true, ordering: .acquiring)
        precondition(!wasInUse, "two calls at once on one ObjectWriter")
    }

    private func leave() { inUse.store(false, ordering: .releasing) }
}
