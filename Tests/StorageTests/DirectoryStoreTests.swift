import Digests
import Glibc
import Model
import Reactor
import Storage
import TestSupport
import Testing

@Suite("A storage folder")
struct DirectoryStoreTests {
    private func store(_ folder: ScratchFolder, minFree: ByteCount = 0) -> DirectoryStore {
        DirectoryStore(folder: folder.path, pool: BlockingPool(threads: 1), sync: true, minFree: minFree)
    }

    @Test("never follows a symbolic link, neither to write, read, list nor remove")
    func symbolicLinks() async throws {
        try await ScratchFolder.run { outside in
            try await ScratchFolder.run { folder in
                let store = store(folder)
                ScratchFolder.write([1, 2, 3], to: outside.path + "/kept")
                symlink(outside.path, folder.path + "/link")
                mkdir(folder.path + "/t", 0o755)
                symlink(outside.path + "/kept", folder.path + "/t/file")
                symlink(outside.path, folder.path + "/t/folder")

                #expect(await code { () throws(StorageError) in _ = try await store.write(key: "link/x") } == .failed)
                #expect(await code { () throws(StorageError) in _ = try await store.write(key: "t/file") } == .exists)
                #expect(
                    await code { () throws(StorageError) in _ = try await store.read(key: "t/file", from: 0) }
                        == .failed)
                #expect(await code { () throws(StorageError) in _ = try await store.size(key: "t/file") } == .notFound)
                #expect(try await store.list(prefix: "", after: nil, limit: 10).isEmpty)
                try await store.remove(key: "t/file")
                try await store.remove(prefix: "t")
                try await store.remove(prefix: "link")
                #expect(ScratchFolder.names(in: folder.path).isEmpty)
                #expect(ScratchFolder.content(of: outside.path + "/kept") == [1, 2, 3])
            }
        }
    }

    @Test("refuses new objects and more bytes below the reserve")
    func reserve() async throws {
        try await ScratchFolder.run { folder in
            let full = store(folder, minFree: ByteCount(.max))
            #expect(await code { () throws(StorageError) in _ = try await full.write(key: "t/x") } == .full)
            #expect(ScratchFolder.names(in: folder.path + "/t").isEmpty)
            #expect(StorageError.Code.full.isTransient)
            #expect(await full.freeBytes() ?? 0 > 0)
        }
    }

    @Test("a full disk is an error of its own and leaves no file behind", .enabled(if: SmallDisk.isAvailable))
    func fullDisk() async throws {
        try await SmallDisk.run(bytes: 1 << 20) { folder in
            let store = store(folder)
            let writer = try await store.write(key: "t/x")
            let end = await code { () throws(StorageError) in
                for _ in 0..<64 { try await writer.append(pattern(65_536)) }
                _ = try await writer.finish()
            }
            #expect(end == .full)
            #expect(await code { () throws(StorageError) in try await writer.append([1]) } == .closed)
            #expect(ScratchFolder.names(in: folder.path + "/t").isEmpty)
            try await store.put("t/x", [1])
        }
    }

    @Test("what a crash left is swept by age; finished objects and younger files stay")
    func sweep() async throws {
        try await ScratchFolder.run { folder in
            let store = store(folder)
            try await store.put("t/done", [1])
            let writer = try await store.write(key: "t/left")
            try await writer.append([1, 2])
            #expect(try await store.removeUnfinished(untouchedSince: Timestamp(milliseconds: 0)) == 0)
            #expect(ScratchFolder.names(in: folder.path + "/t") == [".part-left", "done"])
            #expect(try await store.removeUnfinished(untouchedSince: Timestamp(milliseconds: .max)) == 1)
            #expect(ScratchFolder.names(in: folder.path + "/t") == ["done"])
            #expect(await code { () throws(StorageError) in _ = try await writer.finish() } == .notFound)
        }
    }

    @Test("a file that shrank is told from one that ended")
    func truncated() async throws {
        try await ScratchFolder.run { folder in
            let store = store(folder)
            try await store.put("t/x", pattern(10_000))
            let reader = try await store.read(key: "t/x", from: 0)
            #expect(try await reader.read(upTo: 4_000).count == 4_000)
            truncate(folder.path + "/t/x", 4_000)
            #expect(await code { () throws(StorageError) in _ = try await reader.read(upTo: 4_000) } == .truncated)
        }
    }

    @Test("keeps its first identity, and an empty folder has none")
    func identity() async throws {
        try await ScratchFolder.run { folder in
            let store = store(folder)
            let before = try await store.identity()
            #expect(before == nil)
            #expect(try await store.establishIdentity("7c9e6679-7425-40de-944b-e07fc1f90ae7").hasPrefix("7c9e"))
            #expect(try await store.establishIdentity("other") == "7c9e6679-7425-40de-944b-e07fc1f90ae7")
            #expect(try await store.identity() == "7c9e6679-7425-40de-944b-e07fc1f90ae7")
            #expect(
                await code { () throws(StorageError) in _ = try await store.establishIdentity("a\nb") } == .invalidKey)
            #expect(try await store.list(prefix: "", after: nil, limit: 10).isEmpty)
            let gone = DirectoryStore(
                folder: folder.path + "/unmounted", pool: BlockingPool(threads: 0), sync: true, minFree: 0)
            #expect(try await gone.identity() == nil)
        }
    }

    @Test("many that start at once on an empty folder come to one identity")
    func identityOfMany() async throws {
        try await ScratchFolder.run { folder in
            let stores = (0..<8).map { _ in
                DirectoryStore(folder: folder.path, pool: BlockingPool(threads: 1), sync: true, minFree: 0)
            }
            let found = try await withThrowingTaskGroup(of: String.self) { group in
                for (number, store) in stores.enumerated() {
                    group.addTask { try await store.establishIdentity("gateway-\(number)") }
                }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(found.count == 1)
            #expect(try await stores[0].identity() == found.first)
            #expect(try await stores[0].removeUnfinished(untouchedSince: Timestamp(milliseconds: .max)) == 0)
        }
    }

    @Test("names what is missing when the folder can't be made")
    func unusableFolder() async throws {
        try await ScratchFolder.run { folder in
            ScratchFolder.write([1], to: folder.path + "/file")
            let store = DirectoryStore(
                folder: folder.path + "/file/storage", pool: BlockingPool(threads: 0), sync: true, minFree: 0)
            do throws(StorageError) {
                try await store.prepare()
                Issue.record("a file was taken for a folder")
            } catch {
                #expect(error.message.contains(folder.path + "/file/storage"))
                #expect(error.errorNumber == ENOTDIR)
            }
        }
    }

    @Test("a large object passes steady write-back whole")
    func writeBack() async throws {
        try await ScratchFolder.run { folder in
            let store = store(folder)
            let piece = pattern(1 << 20)
            let writer = try await store.write(key: "t/large")
            var hash = SHA256()
            for _ in 0..<40 {
                try await writer.append(piece)
                hash.update(piece)
            }
            let stored = try await writer.finish()
            #expect(stored.size == .mebibytes(40))
            #expect(stored.digest == hash.finish())
        }
    }
}

/// A file system that fills at once, where the test may mount one.
enum SmallDisk {
    /// Only root mounts.
    static let isAvailable: Bool = {
        guard geteuid() == 0 else { return false }
        var template = Array("/tmp/scaleodm-mount-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { return false }
        defer { rmdir(template) }
        guard mount("tmpfs", template, "tmpfs", 0, "size=64k") == 0 else { return false }
        umount(template)
        return true
    }()

    static func run(bytes: Int, _ body: (ScratchFolder) async throws -> Void) async throws {
        try await ScratchFolder.run { folder in
            guard mount("tmpfs", folder.path, "tmpfs", 0, "size=\(bytes)") == 0 else {
                throw StorageError(.failed, "mount")
            }
            defer { umount2(folder.path, Int32(MNT_DETACH)) }
            try await body(folder)
        }
    }
}
