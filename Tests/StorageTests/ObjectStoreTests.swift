import Digests
import Model
import Storage
import Testing

@Suite("Every object store")
struct ObjectStoreTests {
    @Test(
        "gives back what was written, with its size and digest",
        arguments: ScratchStore.all, [0, 1, 65_536, 1_000_003])
    func roundTrip(scratch: ScratchStore, count: Int) async throws {
        try await scratch.run { store in
            let bytes = pattern(count)
            let stored = try await store.put("task-1/input/0001.JPG", bytes, piece: 40_000)
            #expect(stored.key == "task-1/input/0001.JPG")
            #expect(stored.size == ByteCount(Int64(count)))
            #expect(stored.digest == SHA256.digest(of: bytes))
            #expect(try await store.size(key: "task-1/input/0001.JPG") == Int64(count))
            #expect(try await store.get("task-1/input/0001.JPG", piece: 33_333) == bytes)
        }
    }

    @Test("reads from an offset, and nothing beyond the end", arguments: ScratchStore.all)
    func offsets(scratch: ScratchStore) async throws {
        try await scratch.run { store in
            let bytes = pattern(200_000)
            try await store.put("a/b", bytes)
            for offset in [0, 1, 65_536, 199_999, 200_000] {
                #expect(try await store.get("a/b", from: Int64(offset)) == Array(bytes[offset...]))
            }
            #expect(try await store.get("a/b", from: 300_000) == [])
            #expect(try await store.read(key: "a/b", from: 7).size == 200_000)
        }
    }

    @Test("shows an object only once its writer has finished", arguments: ScratchStore.all)
    func visibility(scratch: ScratchStore) async throws {
        try await scratch.run { store in
            let writer = try await store.write(key: "t/x")
            try await writer.append(pattern(10))
            #expect(await code { () throws(StorageError) in _ = try await store.size(key: "t/x") } == .notFound)
            #expect(
                await code { () throws(StorageError) in _ = try await store.read(key: "t/x", from: 0) } == .notFound)
            #expect(try await store.list(prefix: "", after: nil, limit: 10).isEmpty)
            _ = try await writer.finish()
            #expect(try await store.size(key: "t/x") == 10)
        }
    }

    @Test("an aborted object leaves nothing and its key is free again", arguments: ScratchStore.all)
    func abort(scratch: ScratchStore) async throws {
        try await scratch.run { store in
            let writer = try await store.write(key: "t/x")
            try await writer.append(pattern(100_000))
            await writer.abort()
            await writer.abort()
            #expect(await code { () throws(StorageError) in try await writer.append([1]) } == .closed)
            #expect(await code { () throws(StorageError) in _ = try await writer.finish() } == .closed)
            #expect(await code { () throws(StorageError) in _ = try await store.size(key: "t/x") } == .notFound)
            try await store.put("t/x", [1, 2])
            #expect(try await store.get("t/x") == [1, 2])
        }
    }

    @Test("finishes once", arguments: ScratchStore.all)
    func finishOnce(scratch: ScratchStore) async throws {
        try await scratch.run { store in
            let writer = try await store.write(key: "t/x")
            _ = try await writer.finish()
            #expect(await code { () throws(StorageError) in _ = try await writer.finish() } == .closed)
            await writer.abort()
            #expect(try await store.size(key: "t/x") == 0)
        }
    }

    @Test("never writes over an object", arguments: ScratchStore.all)
    func exists(scratch: ScratchStore) async throws {
        try await scratch.run { store in
            try await store.put("t/x", [1])
            #expect(await code { () throws(StorageError) in _ = try await store.write(key: "t/x") } == .exists)
            #expect(try await store.get("t/x") == [1])
        }
    }

    @Test(
        "refuses every key that the gateway wouldn't make",
        arguments: ScratchStore.all,
        [
            "", "/", "/a", "a/", "a//b", "..", "../a", "a/../b", "a/..", "a/.", "./a", "a/.hidden", "A/b", "a b",
            "a/b c",
            "a\\b", "a/b\0c", "a/é", "a\n", "~", "a/%2e%2e", "a/" + String(repeating: "x", count: 201),
            "a" + String(repeating: "/b", count: 12),
        ])
    func badKeys(scratch: ScratchStore, key: String) async throws {
        try await scratch.run { store in
            #expect(await code { () throws(StorageError) in _ = try await store.write(key: key) } == .invalidKey)
            #expect(
                await code { () throws(StorageError) in _ = try await store.read(key: key, from: 0) } == .invalidKey)
            #expect(await code { () throws(StorageError) in _ = try await store.size(key: key) } == .invalidKey)
            #expect(await code { () throws(StorageError) in try await store.remove(key: key) } == .invalidKey)
            #expect(await code { () throws(StorageError) in try await store.remove(prefix: key) } == .invalidKey)
        }
    }

    @Test("removes one object, twice without harm", arguments: ScratchStore.all)
    func removeKey(scratch: ScratchStore) async throws {
        try await scratch.run { store in
            try await store.put("t/x", [1])
            try await store.put("t/y", [2])
            try await store.remove(key: "t/x")
            try await store.remove(key: "t/x")
            try await store.remove(key: "never/was")
            #expect(try await store.list(prefix: "", after: nil, limit: 10).map(\.key) == ["t/y"])
        }
    }

    @Test("removes all below a prefix and nothing beside it, twice without harm", arguments: ScratchStore.all)
    func removePrefix(scratch: ScratchStore) async throws {
        try await scratch.run { store in
            for key in ["task-1/input/a", "task-1/input/b", "task-1/attempt-2/c", "task-10/input/a"] {
                try await store.put(key, [1])
            }
            let unfinished = try await store.write(key: "task-1/input/unfinished")
            try await unfinished.append([1, 2, 3])
            try await store.remove(prefix: "task-1")
            try await store.remove(prefix: "task-1")
            #expect(try await store.list(prefix: "", after: nil, limit: 10).map(\.key) == ["task-10/input/a"])
            await unfinished.abort()
            try await store.put("task-1/input/a", [7])
            #expect(try await store.get("task-1/input/a") == [7])
        }
    }

    @Test("lists a page at a time in the order of the keys' bytes", arguments: ScratchStore.all, [1, 2, 3, 100])
    func listing(scratch: ScratchStore, limit: Int) async throws {
        try await scratch.run { store in
            // '-' and '.' sort before '/', digits after it.
            let keys = ["a-b/z", "a/b", "a/b-c", "a/b0/x", "a/c.d/e", "a/c/e", "a0", "b/1", "b/2"]
            for key in keys.reversed() { try await store.put(key, pattern(key.utf8.count)) }
            var found: [ListedObject] = []
            while true {
                let page = try await store.list(prefix: "", after: found.last?.key, limit: limit)
                found += page
                if page.count < limit { break }
            }
            #expect(found.map(\.key) == keys.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
            #expect(found.allSatisfy { $0.size == ByteCount(Int64($0.key.utf8.count)) })
            #expect(found.allSatisfy { $0.modified.milliseconds > 1_500_000_000_000 })
            #expect(try await store.list(prefix: "a", after: "a/b-c", limit: 2).map(\.key) == ["a/b0/x", "a/c.d/e"])
            #expect(try await store.list(prefix: "none", after: nil, limit: 2).isEmpty)
        }
    }

    @Test("writes many objects at once", arguments: ScratchStore.all)
    func concurrency(scratch: ScratchStore) async throws {
        try await scratch.run { store in
            try await withThrowingTaskGroup(of: StoredObject.self) { group in
                for number in 0..<40 {
                    group.addTask { try await store.put("t/deep/er/\(number)", pattern(10_000 + number), piece: 999) }
                }
                for try await stored in group { #expect(stored.size >= 10_000) }
            }
            #expect(try await store.list(prefix: "t", after: nil, limit: 100).count == 40)
            #expect(try await store.get("t/deep/er/39") == pattern(10_039))
        }
    }

    @Test("of two writers of one key one wins", arguments: ScratchStore.all)
    func race(scratch: ScratchStore) async throws {
        try await scratch.run { store in
            let first = try await store.write(key: "t/x")
            var ends: [StorageError.Code?] = []
            let second = await code { () throws(StorageError) in
                let writer = try await store.write(key: "t/x")
                try await writer.append([2])
                _ = try await writer.finish()
            }
            ends.append(second)
            ends.append(
                await code { () throws(StorageError) in
                    try await first.append([1])
                    _ = try await first.finish()
                })
            #expect(ends.filter { $0 == nil }.count == 1)
            #expect(ends.contains(.exists))
        }
    }

    @Test("keeps its first identity, and an empty place has none", arguments: ScratchStore.all)
    func identity(scratch: ScratchStore) async throws {
        try await scratch.run { store in
            let before = try await store.identity()
            #expect(before == nil)
            #expect(try await store.establishIdentity("7c9e6679-7425-40de-944b-e07fc1f90ae7").hasPrefix("7c9e"))
            #expect(try await store.establishIdentity("other") == "7c9e6679-7425-40de-944b-e07fc1f90ae7")
            #expect(try await store.identity() == "7c9e6679-7425-40de-944b-e07fc1f90ae7")
            for bad in ["", "a\nb", "é", String(repeating: "a", count: 129)] {
                #expect(
                    await code { () throws(StorageError) in _ = try await store.establishIdentity(bad) } == .invalidKey)
            }
            #expect(try await store.list(prefix: "", after: nil, limit: 10).isEmpty)
        }
    }

    @Test("a closed reader reads no more", arguments: ScratchStore.all)
    func closedReader(scratch: ScratchStore) async throws {
        try await scratch.run { store in
            try await store.put("t/x", [1, 2, 3])
            let reader = try await store.read(key: "t/x", from: 1)
            #expect(try await reader.read(upTo: 1) == [2])
            await reader.close()
            #expect(await code { () throws(StorageError) in _ = try await reader.read(upTo: 1) } == .closed)
        }
    }
}
