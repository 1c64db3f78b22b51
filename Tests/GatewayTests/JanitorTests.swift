import HTTPTypes
import Model
import Observability
import Reactor
import Record
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Gateway

@Suite("The janitor")
struct JanitorTests {
    private func janitor(
        _ world: FetchWorld, health: StorageHealth = StorageHealth(), stale: Duration = .seconds(86_400),
        inputs: Duration = .seconds(86_400), tasks: Duration = .seconds(86_400), isAlone: Bool = false
    ) -> Janitor {
        Janitor(
            parts: world.parts, storage: world.storage, spool: nil, health: health, isAlone: isAlone,
            staleUpload: stale, inputRetention: inputs, taskRetention: tasks)
    }

    /// Runs a janitor beside the body, which begins at its first sleep.
    private func running(
        _ janitor: Janitor, _ world: FetchWorld, _ body: () async throws -> Void
    ) async throws {
        let service = Task(executorPreference: world.loop) { try await janitor.run() }
        await world.clock.untilSomebodySleeps()
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
        service.cancel()
        try? await service.value
        try outcome.get()
    }

    private func world(_ body: @escaping @Sendable (FetchWorld) async throws -> Void) async throws {
        try await FetchWorld.run(script: { _, _ in }, body)
    }

    /// Advances the clock and waits until the janitor sleeps again.
    private func advance(_ world: FetchWorld, by duration: Duration) async {
        world.clock.advance(by: duration)
        await world.clock.untilSomebodySleeps()
    }

    private func store(_ key: String, in world: FetchWorld) async throws -> StoredObject {
        let writer = try await world.storage.write(key: key)
        try await writer.append(contentsOf: [1, 2, 3])
        return try await writer.finish()
    }

    /// An upload with one file.
    private func upload(_ name: String, in world: FetchWorld) async throws -> TaskID {
        guard let id = TaskID(name) else { throw ScratchError(message: "'\(name)' is no identity") }
        _ = try await world.store.create(
            NewTask(id: id, owner: nil, name: name, dateCreated: world.now), at: world.now)
        let stored = try await store("\(id.key)/input/0a", in: world)
        let file = InputFile(name: "a.jpg", size: 3, digest: "d", storageKey: stored.key)
        _ = try await world.store.addFile(file, to: id, for: .everything, at: world.now)
        return id
    }

    private func ended(_ name: String, in world: FetchWorld) async throws -> TaskID {
        let id = try await upload(name, in: world)
        _ = try await world.store.commit(id, for: .everything, at: world.now)
        _ = try await world.store.failQueued(id, reason: "a test", at: world.now)
        return id
    }

    // MARK: Retention

    @Test("an upload without data is given up at the moment that it is due")
    func staleUpload() async throws {
        try await world { world in
            let id = try await upload("one", in: world)
            try await running(janitor(world, stale: .seconds(100)), world) { () async throws in
                await advance(world, by: .seconds(60))
                await advance(world, by: .seconds(40))
                #expect(try await world.read(id).intent == .none, "due, but not over")
                await advance(world, by: .milliseconds(1))
                #expect(try await world.read(id).intent == .remove)
            }
        }
    }

    @Test("an upload that begins while the janitor sleeps is no later for that")
    func lateUpload() async throws {
        try await world { world in
            try await running(janitor(world, stale: .seconds(30)), world) { () async throws in
                await advance(world, by: .seconds(20))
                let id = try await upload("one", in: world)
                await advance(world, by: .seconds(10))
                await advance(world, by: .seconds(20))
                await advance(world, by: .milliseconds(1))
                #expect(try await world.read(id).intent == .remove)
            }
        }
    }

    @Test("inputs and records of ended tasks go when they are due, inputs first")
    func retention() async throws {
        try await world { world in
            let id = try await ended("one", in: world)
            let janitor = janitor(world, inputs: .seconds(30), tasks: .seconds(45))
            try await running(janitor, world) { () async throws in
                await advance(world, by: .seconds(30))
                #expect(try await world.stored() == ["one/input/0a"])
                await advance(world, by: .milliseconds(1))
                #expect(try await world.stored().isEmpty)
                #expect(try await world.read(id).inputsRemovedAt != nil)
                await advance(world, by: .seconds(15))
                #expect(try await world.read(id).intent == .remove)
            }
        }
    }

    // MARK: The folder

    private static let uuid = "6a4d2b1e-0c3f-4a5b-8d7e-9f0a1b2c3d4e"
    private static let other = "7b5e3c2f-1d40-4b6c-9e8f-0a1b2c3d4e5f"

    private func sweep(_ world: FetchWorld, after: Duration) async throws -> Int {
        world.clock.advance(by: after)
        return try await OrphanSweep(store: world.store, storage: world.storage).run(at: world.now)
    }

    @Test("old files of tasks that no record knows are swept, young ones and other folders stay")
    func orphans() async throws {
        try await world { world in
            _ = try await store("\(Self.uuid)/input/0a", in: world)
            _ = try await store("\(Self.uuid)/fetched/0b", in: world)
            _ = try await store("results/of/others", in: world)
            #expect(try await sweep(world, after: .seconds(23 * 3600)) == 0)
            #expect(try await sweep(world, after: .seconds(2 * 3600)) == 2)
            #expect(try await world.stored() == ["results/of/others"])
        }
    }

    @Test("of an upload and of a task that isn't over nothing is swept, whatever its age")
    func unfinishedTasks() async throws {
        try await world { world in
            let receiving = try await upload(Self.uuid, in: world)
            let queued = try await upload(Self.other, in: world)
            _ = try await world.store.commit(queued, for: .everything, at: world.now)
            for id in [receiving, queued] { _ = try await store("\(id.key)/input/unknown", in: world) }
            #expect(try await sweep(world, after: .seconds(1000 * 3600)) == 0)
            #expect(try await world.stored().count == 4)
        }
    }

    @Test("of a task that is over only what its record doesn't list is swept, and results stay")
    func endedTasks() async throws {
        try await world { world in
            let id = try await ended(Self.uuid, in: world)
            _ = try await store("\(id.key)/input/unknown", in: world)
            _ = try await store("\(id.key)/archive/zipurl.zip", in: world)
            _ = try await store("\(id.key)/output/all.zip", in: world)
            #expect(try await sweep(world, after: .seconds(25 * 3600)) == 2)
            #expect(try await world.stored() == ["\(id.key)/input/0a", "\(id.key)/output/all.zip"])
        }
    }

    @Test("the sweep goes through more files than one page lists")
    func manyOrphans() async throws {
        try await world { world in
            for number in 0..<1100 { _ = try await store("\(Self.uuid)/input/\(number)", in: world) }
            #expect(try await sweep(world, after: .seconds(25 * 3600)) == 1100)
        }
    }

    @Test("the running janitor sweeps each hour, not at its start, and not a folder that is wrong")
    func sweepsHourly() async throws {
        try await world { world in
            _ = try await store("\(Self.uuid)/input/0a", in: world)
            let health = StorageHealth()
            world.clock.advance(by: .seconds(25 * 3600))
            try await running(janitor(world, health: health), world) { () async throws in
                _ = health.note("wrong")
                for _ in 0..<61 { await advance(world, by: .seconds(60)) }
                #expect(try await world.stored().count == 1)
                _ = health.note(nil)
                await advance(world, by: .seconds(60))
                #expect(try await world.stored().isEmpty)
            }
        }
    }

    @Test("what a crash left unfinished goes at the start of the only gateway, and of several after an hour")
    func unfinishedFiles() async throws {
        try await world { world in
            for isAlone in [true, false] {
                let key = "\(Self.uuid)/input/\(isAlone)"
                let writer = try await world.storage.write(key: key)
                world.clock.advance(by: .seconds(2))
                try await running(janitor(world, isAlone: isAlone), world) { () async throws in
                    let path = "\(world.folder)/storage/\(Self.uuid)/input"
                    #expect(ScratchFolder.names(in: path).isEmpty == isAlone)
                    for _ in 0..<61 where !isAlone { await advance(world, by: .seconds(60)) }
                    #expect(ScratchFolder.names(in: path).isEmpty)
                }
                await writer.abort()
            }
        }
    }

    @Test("a folder without its id stops uploads with 503 until it is back")
    func folderIsWatched() async throws {
        try await world { world in
            _ = try await world.storage.establishIdentity("ours")
            let health = StorageHealth()
            let watch = StorageWatch(
                storage: world.storage, identity: "ours", claim: { "ours" }, isRemote: false, health: health,
                clock: world.clock, logger: .silent)
            let service = Task(executorPreference: world.loop) { try await watch.run() }
            await world.clock.untilSomebodySleeps()
            await advance(world, by: .seconds(60))
            #expect(health.problem == nil)
            let mark = "\(world.folder)/storage/.scaleodm-storage"
            let content = ScratchFolder.content(of: mark) ?? []
            ScratchFolder.write(Array("theirs\n".utf8), to: mark)
            await advance(world, by: .seconds(60))
            #expect(throws: APIError.self) { try health.check() }
            let answer = ErrorAnswer(APIError.tryAgain(health.problem ?? ""), unauthorizedIs200: false).content
            #expect(answer?.status.code == 503)
            ScratchFolder.write(content, to: mark)
            await advance(world, by: .seconds(60))
            #expect(health.problem == nil)
            service.cancel()
            try? await service.value
        }
    }

    @Test("an object store that is away stops nothing by itself; one that couldn't be asked is asked until it was")
    func bucketIsWatched() async throws {
        try await world { world in
            let health = StorageHealth()
            _ = health.note("it can't be asked")
            let answers = Mutex<[StorageError?]>([StorageError(.unreachable, "away"), nil])
            let storage = world.storage
            let watch = StorageWatch(
                storage: storage, identity: nil,
                claim: {
                    if let error = answers.withLock({ $0.removeFirst() }) { throw error }
                    return try await storage.establishIdentity("ours")
                }, isRemote: true, health: health, clock: world.clock, logger: .silent)
            let service = Task(executorPreference: world.loop) { try await watch.run() }
            await world.clock.untilSomebodySleeps()
            await advance(world, by: .seconds(5))
            #expect(health.problem == "away")
            await advance(world, by: .seconds(5))
            #expect(health.problem == nil)
            let mark = "\(world.folder)/storage/.scaleodm-storage"
            ScratchFolder.write(Array("theirs\n".utf8), to: mark)
            await advance(world, by: .seconds(60))
            #expect(health.problem?.contains("storage.s3") == true)
            service.cancel()
            try? await service.value
        }
    }

    @Test("inputs that have expired go alone: results stay until their task goes")
    func resultsOutliveInputs() async throws {
        try await world { world in
            let id = try await ended("one", in: world)
            _ = try await store("one/fetched/0b", in: world)
            _ = try await store("one/attempt-1/all.zip", in: world)
            try await running(janitor(world, inputs: .seconds(30)), world) { () async throws in
                await advance(world, by: .milliseconds(30_001))
                #expect(try await world.stored() == ["one/attempt-1/all.zip"])
                #expect(try await world.read(id).inputsRemovedAt != nil)
            }
        }
    }
}
