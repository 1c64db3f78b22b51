import Model
import NodeODM
import Reactor
import Record
import SQL
import TestSupport
import Testing

@testable import Gateway

@Suite("Mirror: following the record", .timeLimit(.minutes(2)))
struct RecordFollowerTests {
    private static func following(_ world: MirrorWorld, page: Int = 1000, _ body: () async throws -> Void) async throws
    {
        let follower = RecordFollower(parts: world.parts, page: page)
        let service = Task(executorPreference: world.loop) { try await follower.run() }
        await world.settle()
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
        service.cancel()
        try? await service.value
        try outcome.get()
    }

    @Test("a start brings all that waits into memory, by pages, and nothing that is over or goes")
    func start() async throws {
        try await MirrorWorld.run { world in
            var waiting: [TaskID] = []
            for number in 0..<7 { waiting.append(try await world.queued("w\(number)")) }
            let (ended, removed) = (try await world.placed("ended"), try await world.queued("removed"))
            let key = try #require(try await world.recorded(ended).attempt?.key)
            _ = try await world.store.finish(key, TaskEnd(code: .completed), at: world.now)
            _ = try await world.store.requestRemove(removed, for: .everything, at: world.now)
            let running = try await world.placed("running")
            for id in world.mirror.forgetFinished() { world.mirror.remove(id) }
            try await world.parts.lookup.takeOver()
            #expect(world.mirror.unfinishedCount(in: .everything) == 1 && world.shown(running) == .running)
            let (all, ids) = (waiting + [running], waiting)
            try await Self.following(world, page: 3) { () async throws in
                #expect(ids.allSatisfy { world.shown($0) == .running })
                #expect(world.mirror.unfinishedCount(in: .everything) == all.count)
                #expect(world.mirror.task(ended) == nil && world.mirror.task(removed) == nil)
            }
        }
    }

    @Test("what another program changes in the record is shown a moment later")
    func foreign() async throws {
        try await MirrorWorld.run { world in
            let id = try await world.placed("a")
            let removed = try await world.placed("b")
            let key = try #require(try await world.recorded(id).attempt?.key)
            try await Self.following(world) { () async throws in
                _ = try await world.store.finish(key, TaskEnd(code: .completed), at: world.now)
                _ = try await world.store.requestRemove(removed, for: .everything, at: world.now)
                await world.settle()
                #expect(world.shown(id) == .running)
                await world.pass(.milliseconds(200))
                #expect(world.shown(id) == .completed)
                #expect(world.mirror.task(removed) == nil)
                #expect(world.mirror.watched(on: MirrorWorld.name).isEmpty)
            }
        }
    }

    @Test("what this program has shown itself isn't read again, and tasks that memory doesn't have aren't either")
    func own() async throws {
        try await MirrorWorld.run { world in
            let id = try await world.placed("a")
            let other = try await world.placed("b")
            try await Self.following(world) { () async throws in
                world.mirror.remove(other)
                _ = try await world.store.requestCancel(id, for: .everything, at: world.now)
                _ = try await world.store.requestCancel(other, for: .everything, at: world.now)
                await world.parts.refresh(id)
                let before = world.database.statements
                await world.pass(.seconds(5))
                #expect(world.database.statements == before)
                #expect(world.mirror.task(other) == nil)
            }
        }
    }

    @Test("a change that couldn't be read back, because the database went away, is shown when it is there again")
    func away() async throws {
        try await MirrorWorld.run { world in
            let id = try await world.placed("a")
            try await Self.following(world) { () async throws in
                _ = try await world.store.requestCancel(id, for: .everything, at: world.now)
                world.database.isAway = true
                await world.parts.refresh(id)
                await world.pass(.seconds(20))
                #expect(world.shown(id) == .running)
                world.database.isAway = false
                await world.pass(.seconds(6))
                #expect(world.shown(id) == .canceled)
            }
        }
    }

    @Test("after a broken connection all that isn't over is read again, and what is over is forgotten")
    func reset() async throws {
        try await MirrorWorld.run { world in
            let running = try await world.placed("running")
            let ended = try await world.placed("ended")
            let removed = try await world.placed("removed")
            let key = try #require(try await world.recorded(ended).attempt?.key)
            _ = try await world.store.finish(key, TaskEnd(code: .failed), at: world.now)
            await world.parts.refresh(ended)
            let old = try await world.placed("old")
            let oldKey = try #require(try await world.recorded(old).attempt?.key)
            // Nobody listens yet: these are missed.
            _ = try await world.store.requestCancel(running, for: .everything, at: world.now)
            _ = try await world.store.requestRemove(removed, for: .everything, at: world.now)
            _ = try await world.store.finish(oldKey, TaskEnd(code: .completed), at: world.now)
            try await Self.following(world) { () async throws in
                #expect(world.shown(running) == .canceled)
                #expect(world.mirror.task(removed) == nil)
                #expect(world.mirror.task(ended) == nil)
                #expect(world.shown(old) == .completed)
            }
        }
    }

    @Test("a download of a task that isn't over here asks the record; while that is away nobody can tell")
    func settled() async throws {
        try await MirrorWorld.run { world in
            let id = try await world.placed("a")
            let key = try #require(try await world.recorded(id).attempt?.key)
            _ = try await world.store.finish(key, TaskEnd(code: .completed), at: world.now)
            #expect(try await world.parts.lookup.task(id, for: .everybody).record.state == .placed)
            world.database.isAway = true
            await #expect(throws: APIError.noAnswer) {
                _ = try await world.parts.lookup.readSettled(id, for: .everybody) { $0.record.state }
            }
            world.database.isAway = false
            #expect(try await world.parts.lookup.readSettled(id, for: .everybody) { $0.record.state } == .completed)
            world.database.isAway = true
            #expect(try await world.parts.lookup.readSettled(id, for: .everybody) { $0.record.state } == .completed)
        }
    }
}
