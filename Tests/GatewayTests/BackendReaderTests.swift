import Backends
import Model
import NodeODM
import Observability
import Reactor
import Record
import TestSupport
import Testing

@testable import Gateway

@Suite("Mirror: who is asked when", .timeLimit(.minutes(2)))
struct BackendReaderTests {
    @Test(
        "a question without an answer holds up no other task, and ends after ten seconds, whether or not it can be cancelled",
        arguments: [true, false])
    func frozen(isCancellable: Bool) async throws {
        try await MirrorWorld.run { world in
            let stuck = try await world.placed("stuck")
            _ = try await world.placed("well")
            world.backend.freeze("stuck")
            if !isCancellable { world.backend.ignoreCancellation() }
            defer { world.backend.release() }
            try await world.reading { () async throws in
                await world.pass(.milliseconds(9_900))
                #expect(world.backend.askedCount("well") >= 9)
                #expect(world.backend.askedCount("stuck") == 1)
                #expect(world.shown(stuck) == .running)
                await world.pass(.seconds(5))
                #expect(world.backend.askedCount("stuck") == 2, "it was given up and asked again")
            }
        }
    }

    @Test("a task is read each second; each five where nobody asked for a minute, until somebody asks again")
    func demand() async throws {
        try await MirrorWorld.run { world in
            let id = try await world.placed("a")
            func readings(in duration: Duration) async -> Int {
                let before = world.backend.askedCount()
                await world.pass(duration)
                return world.backend.askedCount() - before
            }
            try await world.reading { () async throws in
                #expect(await readings(in: .seconds(10)) == 10)
                await world.pass(.seconds(60))
                #expect(await readings(in: .seconds(20)) == 4)
                await world.pass(.seconds(1))
                let before = world.backend.askedCount()
                _ = try await world.parts.lookup.task(id, for: .everybody)
                await world.settle()
                #expect(world.backend.askedCount() == before + 1, "at once")
                #expect(await readings(in: .seconds(10)) == 10)
            }
        }
    }

    @Test("while tasks wait for a slot each task is read twice a second, at once from when they begin to")
    func waiting() async throws {
        try await MirrorWorld.run { world in
            _ = try await world.placed("a")
            let next = try await world.queued("next")
            try await world.reading { () async throws in
                await world.pass(.seconds(70))
                let before = world.backend.askedCount()
                try await world.store.markWaiting([next], reason: "full", at: world.now)
                await world.parts.refresh(next)
                await world.settle()
                await world.pass(.milliseconds(500))
                #expect(world.backend.askedCount() == before + 1)
                await world.pass(.seconds(5))
                #expect(world.backend.askedCount() == before + 11)
                _ = try await world.store.requestCancel(next, for: .everything, at: world.now)
                await world.parts.refresh(next)
                await world.pass(.seconds(1))
                let after = world.backend.askedCount()
                await world.pass(.seconds(10))
                #expect(world.backend.askedCount() == after + 2)
            }
        }
    }

    @Test("a task that was just accepted is read at once, and no look at all tasks is needed for that")
    func arrival() async throws {
        try await MirrorWorld.run { world in
            try await world.reading { () async throws in
                await world.pass(.seconds(3))
                #expect(world.backend.askedCount() == 0)
                _ = try await world.placed("new")
                await world.settle()
                #expect(world.backend.askedCount("new") == 1)
            }
        }
    }

    @Test("many tasks of one backend are read at most a hundred times a second, each in its turn")
    func rate() async throws {
        try await MirrorWorld.run { world in
            for number in 0..<250 { _ = try await world.placed("t\(number)") }
            try await world.reading { () async throws in
                await world.pass(.seconds(1), by: .milliseconds(10))
                #expect(world.backend.askedCount() <= 111)
                await world.pass(.seconds(4), by: .milliseconds(10))
                #expect(world.backend.askedCount() <= 511)
                for number in 0..<250 { #expect(world.backend.askedCount("t\(number)") >= 1) }
            }
        }
    }

    @Test("a backend that doesn't answer is asked less often, and shown as it was")
    func silent() async throws {
        try await MirrorWorld.run { world in
            let id = try await world.placed("a", .init(progress: 30, lines: ["one"]))
            try await world.reading { () async throws in
                await world.pass(.seconds(1))
                world.backend.trouble = .notSent
                let before = world.backend.askedCount()
                await world.pass(.seconds(30))
                #expect(world.backend.askedCount() - before <= 9)
                #expect(world.shown(id) == .running)
                #expect(world.mirror.task(id)?.info.progress == 30)
                #expect(try await world.lines(id) == ["one"])
                world.backend.trouble = nil
                world.backend["a"]?.progress = 31
                await world.pass(.seconds(5))
                #expect(world.mirror.task(id)?.info.progress == 31)
            }
        }
    }

    @Test("a log is asked for from the last known line on, so that a shorter one is noticed")
    func firstLine() async throws {
        try await MirrorWorld.run { world in
            _ = try await world.placed("a", .init(lines: ["one", "two", "three"]))
            try await world.reading { () async throws in
                #expect(world.backend.lastLine == 0)
                await world.pass(.seconds(1))
                #expect(world.backend.lastLine == 2)
            }
        }
    }

    @Test("with an empty list of backends the services wait, since the end of one is the end of the program")
    func emptyList() async throws {
        try await MirrorWorld.run(isEmpty: true) { world in
            let ended = WakeCount()
            let monitor = Monitor(
                fleet: world.parts.fleet, memory: world.record.backends, placement: WakeUp(), clock: world.clock,
                refresh: .seconds(5), logger: .silent)
            let services: [any Service] = [world.refresher, monitor]
            let tasks = services.map { service in
                Task(executorPreference: world.loop) {
                    try? await service.run()
                    ended.add()
                }
            }
            await world.settle()
            #expect(ended.count == 0)
            for task in tasks { task.cancel() }
            for task in tasks { await task.value }
            #expect(ended.count == 2)
        }
    }
}
