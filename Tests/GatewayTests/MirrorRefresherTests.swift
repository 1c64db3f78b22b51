import Backends
import Model
import NodeODM
import Record
import TestSupport
import Testing

@testable import Gateway

@Suite("Mirror: what backends say", .timeLimit(.minutes(2)))
struct MirrorRefresherTests {
    @Test("progress, lines and code are shown at once, written every ten seconds, and read again after a start")
    func follows() async throws {
        try await MirrorWorld.run { world in
            let id = try await world.placed("a", .init(code: .queued, processingTime: -1, images: 3))
            try await world.reading { () async throws in
                await world.pass(.seconds(1))
                #expect(world.shown(id) == .queued)
                world.backend["a"] = .init(progress: 40, lines: ["one", "two"], images: 3)
                await world.pass(.seconds(1))
                #expect(world.shown(id) == .running)
                #expect(world.mirror.task(id)?.info.progress == 40)
                #expect(world.mirror.task(id)?.info.imagesCount == 3)
                #expect(try await world.lines(id) == ["one", "two"])
                #expect(try await world.recorded(id).lineCount == 0, "ten seconds aren't over")
                await world.pass(.seconds(10))
                let record = try await world.recorded(id)
                #expect(record.lineCount == 2)
                #expect(record.progress == 40)
                #expect(record.attempt?.logCursor == 2)
                #expect(record.ownerCode == .running)
            }
            world.mirror.remove(id)
            await world.parts.refresh(id)
            try await world.reading { () async throws in
                world.backend["a"]?.lines.append("three")
                await world.pass(.seconds(1))
                #expect(try await world.lines(id) == ["one", "two", "three"])
            }
        }
    }

    @Test("a log that got shorter begins a new section, and progress keeps its maximum")
    func shorter() async throws {
        try await MirrorWorld.run { world in
            let id = try await world.placed("a", .init(progress: 60, lines: ["one", "two", "three"]))
            try await world.reading { () async throws in
                await world.pass(.seconds(2))
                world.backend["a"] = .init(progress: 5, lines: ["anew"])
                await world.pass(.seconds(2))
                #expect(try await world.lines(id) == ["one", "two", "three", MirrorRefresher.separator, "anew"])
                #expect(world.mirror.task(id)?.info.progress == 60)
                world.backend["a"]?.lines.append("and on")
                await world.pass(.seconds(20))
                #expect(try await world.lines(id).suffix(2) == ["anew", "and on"])
                #expect(try await world.recorded(id).attempt?.logCursor == 2)
            }
        }
    }

    @Test("a processing time that fell begins a new section, however long the log is", arguments: [-1, 500] as [Int64])
    func timeFell(time: Int64) async throws {
        try await MirrorWorld.run { world in
            let id = try await world.placed("a", .init(lines: ["one", "two"]))
            try await world.reading { () async throws in
                await world.pass(.seconds(2))
                world.backend["a"] = .init(processingTime: time, lines: ["1", "2", "3", "4"])
                await world.pass(.seconds(3))
                #expect(try await world.lines(id) == ["one", "two", MirrorRefresher.separator, "1", "2", "3", "4"])
            }
        }
    }

    @Test("a log that merely hasn't grown is no new section, nor is one that was always empty")
    func unchanged() async throws {
        try await MirrorWorld.run { world in
            let full = try await world.placed("full", .init(lines: ["one"]))
            let empty = try await world.placed("empty")
            try await world.reading { () async throws in
                await world.pass(.seconds(30), by: .seconds(1))
                #expect(try await world.lines(full) == ["one"])
                #expect(try await world.lines(empty) == [])
            }
        }
    }

    @Test("what a failed run said last is read before its end is taken, also where its log began anew")
    func shorterAtTheEnd() async throws {
        try await MirrorWorld.run { world in
            let id = try await world.placed("a", .init(lines: ["one", "two", "three"]))
            try await world.reading { () async throws in
                await world.pass(.seconds(2))
                world.backend["a"] = .init(code: .failed, processingTime: 3, lines: ["boom"], error: "it broke")
                await world.pass(.seconds(2))
                #expect(world.shown(id) == .failed)
                #expect(try await world.lines(id) == ["one", "two", "three", MirrorRefresher.separator, "boom"])
                #expect(try await world.recorded(id).lineCount == 5)
                #expect(try await world.recorded(id).errorMessage == "it broke")
            }
        }
    }

    @Test("an end frees the slot, starts a placement pass and tells the webhooks; then the task isn't read any more")
    func end() async throws {
        try await MirrorWorld.run { world in
            let id = try await world.placed("a", .init(progress: 50, lines: ["one"]))
            try await world.reading { () async throws in
                await world.pass(.seconds(1))
                #expect(world.parts.fleet.member(MirrorWorld.name)?.endedSinceRead == 0)
                let (placements, webhooks) = await (
                    world.countWakes(of: world.parts.placement), world.countWakes(of: world.parts.webhookWake)
                )
                world.backend["a"] = .init(code: .completed, progress: 100, lines: ["one", "done"])
                await world.pass(.seconds(1))
                #expect(world.shown(id) == .completed)
                #expect(world.parts.fleet.member(MirrorWorld.name)?.endedSinceRead == 1)
                #expect(world.mirror.watched(on: MirrorWorld.name).isEmpty)
                #expect(placements.count == 1)
                #expect(webhooks.count == 1)
                let count = world.backend.askedCount()
                await world.pass(.seconds(30), by: .seconds(1))
                #expect(world.backend.askedCount() == count)
                #expect(try await world.store.output(of: id, from: 0) == ["one", "done"])
            }
        }
    }

    @Test("an end that can't be recorded isn't shown; it is taken when the database is back, with all lines")
    func endWithoutDatabase() async throws {
        try await MirrorWorld.run { world in
            let id = try await world.placed("a", .init(progress: 50, lines: ["one"]))
            try await world.reading { () async throws in
                await world.pass(.seconds(1))
                world.database.isAway = true
                world.backend["a"] = .init(code: .completed, progress: 100, lines: ["one", "done"])
                await world.pass(.seconds(30), by: .seconds(1))
                #expect(world.shown(id) == .running)
                #expect(try await world.lines(id) == ["one", "done"], "polls go on from memory")
                #expect(world.parts.fleet.member(MirrorWorld.name)?.endedSinceRead == 0)
                world.database.isAway = false
                await world.pass(.seconds(2))
                #expect(world.shown(id) == .completed)
                #expect(try await world.store.output(of: id, from: 0) == ["one", "done"])
                #expect(world.parts.fleet.member(MirrorWorld.name)?.endedSinceRead == 1)
            }
        }
    }

    @Test("while the record takes no lines, those beyond a bound stay with the backend")
    func unsavedAreBounded() async throws {
        try await MirrorWorld.run { world in
            let id = try await world.placed("a")
            let line = String(repeating: "x", count: 10_000)
            try await world.reading { () async throws in
                await world.pass(.seconds(1))
                world.database.isAway = true
                for _ in 0..<30 {
                    for _ in 0..<20 { world.backend["a"]?.lines.append(line) }
                    await world.pass(.seconds(1))
                }
                let bytes = try #require(world.mirror.task(id)?.tail.unsavedBytes)
                #expect(bytes < 1_400_000)
                world.backend["a"]?.code = .completed
                await world.pass(.seconds(5))
                world.database.isAway = false
                await world.pass(.seconds(25))
                #expect(world.shown(id) == .completed)
                #expect(try await world.recorded(id).lineCount == 600, "an end waits for its lines")
            }
        }
    }

    // MARK: Item 63

    @Test("a forgotten task that hadn't started is placed again, uncounted, after a grace of five minutes")
    func forgottenBeforeStart() async throws {
        try await MirrorWorld.run(onVanished: .fail) { world in
            let id = try await world.placed("a", .init(code: .queued, processingTime: -1))
            try await world.reading { () async throws in
                await world.pass(.seconds(2))
                world.backend["a"] = nil
                await world.pass(.seconds(290), by: .seconds(1))
                #expect(try await world.recorded(id).state == .placed)
                #expect(world.shown(id) == .queued)
                let placements = await world.countWakes(of: world.parts.placement)
                await world.pass(.seconds(25), by: .seconds(1))
                let record = try await world.recorded(id)
                #expect(record.state == .queued)
                #expect(record.failures == 0)
                #expect(placements.count == 1)
            }
        }
    }

    @Test("a forgotten task that had started runs again as a counted attempt, or fails, as the inventory says")
    func forgottenAfterStart() async throws {
        for policy in [FleetMember.OnVanished.rerun, .fail] {
            try await MirrorWorld.run(onVanished: policy) { world in
                let id = try await world.placed("a", .init(lines: ["one"]))
                try await world.reading { () async throws in
                    await world.pass(.seconds(2))
                    world.backend["a"] = nil
                    await world.pass(.seconds(320), by: .seconds(1))
                    let record = try await world.recorded(id)
                    #expect(record.state == (policy == .rerun ? .queued : .failed))
                    #expect(record.failures == (policy == .rerun ? 1 : 0))
                    #expect((record.errorMessage != nil) == (policy == .fail))
                    #expect(try await world.store.output(of: id, from: 0) == ["one"], "what it said stays")
                }
            }
        }
    }

    @Test("a forgotten task whose inputs the gateway doesn't have fails: there is nothing to send again")
    func forgottenForeignTask() async throws {
        try await MirrorWorld.run(onVanished: .rerun) { world in
            guard let id = TaskID("old") else { preconditionFailure("no identity") }
            let task = ForeignTask(id: id, owner: nil, backend: MirrorWorld.name, name: "old", dateCreated: world.now)
            #expect(try await world.store.takeOver(task, reason: "from elsewhere", at: world.now))
            await world.parts.refresh(id)
            try await world.reading { () async throws in
                await world.pass(.seconds(320), by: .seconds(1))
                let record = try await world.recorded(id)
                #expect(record.state == .failed)
                #expect(record.errorMessage == "fra no longer knows this task, and the gateway has no inputs of it")
            }
        }
    }

    @Test("a backend that can't be reached, or can't tell its own state, doesn't \"not know\" a task")
    func unreachable() async throws {
        try await MirrorWorld.run { world in
            let id = try await world.placed("a")
            try await world.reading { () async throws in
                await world.pass(.seconds(2))
                world.backend["a"] = nil
                await world.pass(.seconds(20), by: .seconds(1))
                for trouble in [BackendError.Code.notSent, .outcomeUnknown, .malformedAnswer, .unauthorized, .busy] {
                    world.backend.trouble = trouble
                    await world.pass(.seconds(200), by: .seconds(1))
                    #expect(try await world.recorded(id).state == .placed)
                }
                world.backend.trouble = nil
                await world.pass(.seconds(250), by: .seconds(1))
                #expect(try await world.recorded(id).state == .placed, "silence didn't count")
                await world.pass(.seconds(60), by: .seconds(1))
                #expect(try await world.recorded(id).state == .queued)
            }
        }
    }

    @Test("a task that its backend knows again within the grace goes on as if nothing had been")
    func knownAgain() async throws {
        try await MirrorWorld.run { world in
            let id = try await world.placed("a")
            try await world.reading { () async throws in
                for _ in 0..<3 {
                    world.backend["a"] = nil
                    await world.pass(.seconds(250), by: .seconds(1))
                    world.backend["a"] = .init()
                    await world.pass(.seconds(15), by: .seconds(1))
                }
                #expect(try await world.recorded(id).state == .placed)
                #expect(try await world.recorded(id).attempt?.key.number == 1)
            }
        }
    }

    @Test("a forgotten task isn't given up while the database is away")
    func forgottenWithoutDatabase() async throws {
        try await MirrorWorld.run { world in
            let id = try await world.placed("a")
            try await world.reading { () async throws in
                world.backend["a"] = nil
                world.database.isAway = true
                await world.pass(.seconds(400), by: .seconds(1))
                #expect(world.shown(id) == .running)
                world.database.isAway = false
                await world.pass(.seconds(20), by: .seconds(1))
                #expect(try await world.recorded(id).state == .queued)
            }
        }
    }

    // MARK: Wishes

    @Test("a cancelled task shows 50 however the run ends, and its last lines are kept")
    func canceled() async throws {
        try await MirrorWorld.run { world in
            let id = try await world.placed("a", .init(lines: ["one"]))
            try await world.reading { () async throws in
                await world.pass(.seconds(1))
                _ = try await world.store.requestCancel(id, for: .everything, at: world.now)
                await world.parts.refresh(id)
                #expect(world.shown(id) == .canceled)
                world.backend["a"]?.lines.append("stopping")
                await world.pass(.seconds(1))
                #expect(world.shown(id) == .canceled)
                world.backend["a"] = .init(code: .completed, lines: ["one", "stopping", "too late"])
                await world.pass(.seconds(2))
                #expect(try await world.recorded(id).state == .canceled)
                #expect(try await world.store.output(of: id, from: 0) == ["one", "stopping", "too late"])
            }
        }
    }

    @Test("a task that waits for a restart shows nothing of the run that is being ended")
    func restarted() async throws {
        try await MirrorWorld.run { world in
            let id = try await world.placed("a", .init(progress: 70, lines: ["one"]))
            try await world.reading { () async throws in
                await world.pass(.seconds(1))
                _ = try await world.store.requestCancel(id, for: .everything, at: world.now)
                _ = try await world.store.requestRestart(id, for: .everything, at: world.now)
                await world.parts.refresh(id)
                world.backend["a"]?.lines.append("of the old run")
                await world.pass(.seconds(2))
                #expect(world.shown(id) == .queued)
                #expect(world.mirror.task(id)?.info.progress == 0)
                #expect(try await world.lines(id) == [])
                world.backend["a"]?.code = .canceled
                await world.pass(.seconds(2))
                #expect(try await world.recorded(id).state == .queued)
                #expect(try await world.recorded(id).lineCount == 0)
            }
        }
    }
}
