import Digests
import HTTPClient
import Model
import Reactor
import Record
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Gateway

@Suite("The fetcher")
struct FetcherTests {
    private static let photos = archive([("flight/a.jpg", 10), ("flight/b.jpg", 20), ("gcp_list.txt", 3)])

    @Test("unpacks an archive, counts its images, and lets the task be placed")
    func fetches() async throws {
        try await FetchWorld.run(script: { connection, _ in try await connection.serve(Self.photos) }) { world in
            let id = try await world.commit("one")
            #expect(try await world.store.queue().isEmpty, "nothing is placed before it is there")
            try await world.fetching { await world.untilSettled() }
            #expect(try await world.files(of: id) == ["a.jpg 10", "b.jpg 20", "gcp_list.txt 3"])
            let record = try await world.read(id)
            #expect(!record.isFetching && record.images == 2 && record.bytes == 33)
            #expect(try await world.store.queue().map(\.id) == [id])
            let keys = try await world.store.files(of: id).map(\.storageKey)
            #expect(try await world.stored() == keys.sorted(), "the archive is gone")
        }
    }

    @Test("tries three times with pauses, and the third try may succeed")
    func retries() async throws {
        try await FetchWorld.run(script: { connection, number in
            switch number {
            case 0: try await connection.serve([], status: "404 Not Found")
            case 1:
                _ = try await connection.readHead()
                try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(Self.photos.count)\r\n\r\n")
                try await connection.send(Array(Self.photos.prefix(60)))
                connection.reset()
            default: try await connection.serve(Self.photos)
            }
        }) { world in
            let id = try await world.commit("one")
            try await world.fetching { () async throws in
                await world.untilSettled()
                #expect(try await world.read(id).fetchFailures == 1)
                await world.passPause(.seconds(5))
                await world.untilSettled()
                #expect(try await world.read(id).fetchFailures == 2)
                #expect(try await world.stored().isEmpty, "half an archive isn't kept")
                await world.passPause(.seconds(20))
                await world.untilSettled()
            }
            #expect(try await world.read(id).images == 2)
            #expect(try await world.read(id).state == .queued)
        }
    }

    @Test("fails the task with the reason after the third try")
    func givesUp() async throws {
        try await FetchWorld.run(script: { connection, _ in
            try await connection.serve([], status: "404 Not Found")
        }) { world in
            let id = try await world.commit("one")
            try await world.fetching { () async throws in
                for pause in [5, 20] {
                    await world.untilSettled()
                    await world.passPause(.seconds(pause))
                }
                await world.untilSettled()
            }
            let record = try await world.read(id)
            #expect(record.state == .failed)
            #expect(record.errorMessage == "zipurl can't be fetched: its server answers 404")
            #expect(world.server.connectionCount == 3)
        }
    }

    /// What another try can't cure, with the reason that the owner is told.
    private func refused(
        _ bytes: [UInt8], rules: @escaping @Sendable (inout FetchRules) -> Void = { _ in }
    ) async throws -> String? {
        let reason = Mutex<String?>(nil)
        try await FetchWorld.run(
            rules: rules, script: { connection, _ in try await connection.serve(bytes) }
        ) { world in
            let id = try await world.commit("one")
            try await world.fetching { await world.untilSettled() }
            let record = try await world.read(id)
            #expect(record.state == .failed)
            #expect(try await world.files(of: id).isEmpty)
            #expect(try await world.stored().isEmpty, "nothing of it is kept")
            reason.withLock { $0 = record.errorMessage }
        }
        return reason.withLock { $0 }
    }

    @Test("an archive larger than fetch.max_size is refused before it is read")
    func tooLarge() async throws {
        let reason = try await refused(archive([("a.jpg", 5000)])) { $0.maxSize = 1000 }
        #expect(reason?.contains("larger than") == true)
    }

    @Test("a file larger than limits.upload_file is refused")
    func fileTooLarge() async throws {
        let reason = try await refused(archive([("a.jpg", 10), ("b.jpg", 5000)])) { $0.fileLimit = 1000 }
        #expect(reason?.contains("a file of more than") == true)
    }

    @Test("what unpacks to more than limits.upload_task is refused")
    func taskTooLarge() async throws {
        let files = (0..<4).map { (name: "\($0).jpg", size: 5000) }
        let reason = try await refused(archive(files)) { $0.taskLimit = 12_000 }
        #expect(reason?.contains("too large") == true)
    }

    @Test(
        "an archive with a name that climbs out is refused as a whole",
        arguments: ["../../etc/passwd", "a/../../b.jpg", "/etc/passwd", #"..\b.jpg"#, #"C:\b.jpg"#])
    func unsafeNames(name: String) async throws {
        let reason = try await refused(archive([("a.jpg", 10), (name, 10)]))
        #expect(reason?.contains("unsafe path") == true)
    }

    @Test("an archive without files is refused")
    func noFiles() async throws {
        for files in [[], [("__MACOSX/._a.jpg", 10), (".DS_Store", 4)]] {
            let reason = try await refused(archive(files))
            #expect(reason?.contains("no files") == true)
        }
    }

    @Test("more images than any backend takes are refused as in an upload")
    func tooManyImages() async throws {
        let files = (0..<4).map { (name: "\($0).jpg", size: 5) }
        let reason = try await refused(archive(files)) { $0.images = ImageLimit(fleet: $0.images.fleet, configured: 3) }
        #expect(reason == "4 images uploaded, but this node can only process up to 3.")
    }

    @Test("what is no zip isn't read to its end", arguments: ["<!DOCTYPE html>", "PK", "", "PK\u{3}\u{5}"])
    func notAZip(text: String) async throws {
        try await FetchWorld.run(script: { connection, _ in try await connection.serve(Array(text.utf8)) }) { world in
            let id = try await world.commit("one")
            try await world.fetching { () async throws in
                await world.untilSettled()
                let event = try await world.record.events.events(of: id).last
                #expect(event?.kind == .fetchFailed && event?.detail == "What zipurl leads to is no zip archive")
            }
        }
    }

    // MARK: The guard

    @Test(
        "a URL of a private address is never asked",
        arguments: [
            "http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:PORT/a.zip", "http://[::1]:PORT/a.zip",
            "http://2130706433:PORT/a.zip", "http://10.1.2.3/a.zip",
        ])
    func privateAddress(url: String) async throws {
        try await FetchWorld.run(
            rules: { $0.outboundGuard = OutboundGuard() },
            script: { connection, _ in try await connection.serve(Self.photos) }
        ) { world in
            let real = url.split(separator: "PORT", omittingEmptySubsequences: false)
                .joined(separator: "\(world.server.address.port)")
            let id = try await world.commit("one", zipURL: real)
            try await world.fetching { await world.untilSettled() }
            #expect(try await world.read(id).state == .failed)
            let record = try await world.read(id)
            #expect(record.errorMessage?.contains("not public") == true)
            #expect(world.server.connectionCount == 0)
        }
    }

    @Test("a redirect to a private address isn't followed", arguments: ["127.0.0.2", "169.254.169.254"])
    func redirectInward(host: String) async throws {
        try await FetchWorld.run(
            rules: { $0.outboundGuard = OutboundGuard(allowing: AddressBlock("127.0.0.1").map { [$0] } ?? []) },
            script: { connection, _ in
                try await connection.serve([], status: "302 Found", fields: "Location: http://\(host)/a.zip\r\n")
            }
        ) { world in
            let id = try await world.commit("one")
            try await world.fetching { await world.untilSettled() }
            let record = try await world.read(id)
            #expect(record.errorMessage?.contains("not public") == true)
            #expect(world.server.connectionCount == 1)
        }
    }

    // MARK: Owners, crashes

    /// Runs a test of one task whose first download stops in the middle; once it does the body runs beside the fetcher.
    private func interrupted(
        _ body: @escaping @Sendable (FetchWorld, TaskID) async throws -> Void,
        then check: @escaping @Sendable (FetchWorld, TaskID) async throws -> Void
    ) async throws {
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        try await FetchWorld.run(script: { connection, number in
            guard number == 0 else { return try await connection.serve(Self.photos) }
            _ = try await connection.readHead()
            try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(Self.photos.count)\r\n\r\n")
            try await connection.send(Array(Self.photos.prefix(60)))
            begin.yield()
            await connection.untilPeerCloses()
        }) { world in
            let id = try await world.commit("one")
            try await world.fetching { () async throws in
                for await _ in begun { break }
                try await body(world, id)
            }
            try await check(world, id)
        }
    }

    @Test("a cancel stops the download, and a restart fetches anew")
    func cancelAndRestart() async throws {
        try await interrupted { (world, id) async throws in
            _ = try await world.store.requestCancel(id, for: .everything, at: world.now)
            world.wake.wake()
            await world.untilSettled()
            #expect(try await world.read(id).state == .canceled)
            #expect(try await world.stored().isEmpty)
            _ = try await world.store.requestRestart(id, for: .everything, at: world.now)
            world.wake.wake()
            await world.untilSettled()
        } then: { (world, id) async throws in
            #expect(try await world.read(id).images == 2)
            #expect(try await world.store.queue().map(\.id) == [id])
        }
    }

    @Test("a task that is removed while it is fetched leaves nothing behind")
    func remove() async throws {
        try await interrupted { (world, id) async throws in
            _ = try await world.store.requestRemove(id, for: .everything, at: world.now)
            world.wake.wake()
            await world.untilSettled()
        } then: { (world, _) async throws in
            #expect(try await world.stored().isEmpty)
        }
    }

    @Test("after a crash all is fetched anew, and nothing of the earlier try counts")
    func crash() async throws {
        try await FetchWorld.run(script: { connection, _ in try await connection.serve(Self.photos) }) { world in
            let id = try await world.commit("one")
            let leftovers = [("old.jpg", "one/fetched/0a"), (nil, "one/fetched/0b"), (nil, "one/archive/zipurl.zip")]
            for (name, key) in leftovers {
                let writer = try await world.storage.write(key: key)
                try await writer.append(contentsOf: [1, 2, 3])
                let stored = try await writer.finish()
                guard let name else { continue }
                _ = try await world.store.addFetchedFile(
                    InputFile(name: name, size: 3, digest: stored.digest.hexadecimal, storageKey: key), to: id,
                    at: world.now)
            }
            try await world.fetching { await world.untilSettled() }
            #expect(try await world.files(of: id) == ["a.jpg 10", "b.jpg 20", "gcp_list.txt 3"])
            let keys = try await world.store.files(of: id).map(\.storageKey)
            #expect(try await world.stored() == keys.sorted())
        }
    }

    @Test("the gateway's end stops a download without counting a failure")
    func drain() async throws {
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        try await FetchWorld.run(script: { connection, number in
            guard number == 0 else { return try await connection.serve(Self.photos) }
            _ = try await connection.readHead()
            try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            begin.yield()
            await connection.untilPeerCloses()
        }) { world in
            let id = try await world.commit("one")
            try await world.fetching { for await _ in begun { break } }
            let record = try await world.read(id)
            #expect(record.isFetching && record.fetchFailures == 0 && record.state == .queued)
            try await world.fetching(wokenBy: WakeUp()) { await world.untilSettled() }
            #expect(try await world.read(id).images == 2)
        }
    }

    @Test("while the storage folder is wrong tasks wait, and nothing counts against them")
    func wrongFolder() async throws {
        try await FetchWorld.run(script: { connection, _ in try await connection.serve(Self.photos) }) { world in
            let id = try await world.commit("one")
            _ = world.health.note("wrong")
            try await world.fetching { () async throws in
                await world.passPause(.seconds(5))
                await world.clock.untilSomebodySleeps()
                #expect(world.server.connectionCount == 0)
                _ = world.health.note(nil)
                await world.passPause(.seconds(5))
                await world.untilSettled()
            }
            let record = try await world.read(id)
            #expect(record.images == 2 && record.fetchFailures == 0)
        }
    }

    @Test("no more than three archives are fetched at the same time")
    func bounded() async throws {
        let counts = Mutex((now: 0, most: 0, total: 0))
        let gate = Gate()
        try await FetchWorld.run(script: { connection, number in
            counts.withLock { counts in
                counts.now += 1
                counts.total += 1
                counts.most = max(counts.most, counts.now)
            }
            if number < 3 {
                if number == 2 { await gate.open() }
                await gate.wait()
            }
            try await connection.serve(Self.photos)
            counts.withLock { $0.now -= 1 }
        }) { world in
            for name in ["one", "two", "three", "four", "five"] { try await world.commit(name) }
            try await world.fetching { () async throws in
                while try await world.store.queue().count < 5 { await world.untilSettled() }
            }
            #expect(counts.withLock { $0.most } == 3)
            #expect(counts.withLock { $0.total } == 5)
        }
    }
}
