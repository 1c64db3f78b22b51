import Model
import NodeODM
import Reactor
import Record
import Synchronization
import TestSupport
import Testing

@testable import Gateway

@Suite("Mirror: what memory keeps", .timeLimit(.minutes(2)))
struct StatusMirrorTests {
    @Test("all tasks' lines have one budget; those of tasks that nobody asked for go first and come from the record")
    func budget() async throws {
        let mirror = StatusMirror(tailBudget: 300_000)
        try await MirrorWorld.run(mirror: mirror) { world in
            let line = String(repeating: "x", count: 1000)
            var ids: [TaskID] = []
            for number in 0..<20 {
                ids.append(
                    try await world.placed("t\(number)", .init(lines: (0..<50).map { "\(number) \($0) \(line)" })))
            }
            let all = ids
            try await world.reading { () async throws in
                await world.pass(.seconds(1))
                #expect(mirror.tailBytes > 900_000, "the record hasn't got them yet: nothing may be dropped")
                await world.pass(.seconds(10))
                #expect(mirror.tailBytes <= 340_000)
                for (number, id) in all.enumerated() {
                    let lines = try await world.lines(id)
                    #expect(lines.count == 50)
                    #expect(lines.last?.hasPrefix("\(number) 49 ") == true)
                    #expect(mirror.tailBytes <= 340_000)
                }
                #expect(mirror.task(all[19])?.tail.lines.count == 50, "what was read for a client stays for a while")
                #expect(mirror.task(all[0])?.tail.lines.isEmpty == true)
            }
        }
    }

    @Test("while the database is away nothing is dropped, since nothing could be read again")
    func awayNothingGoes() async throws {
        let isThere = Mutex(true)
        let mirror = StatusMirror(
            finishedLimit: 10, tailBudget: 100_000, mayForget: { isThere.withLock { $0 } })
        try await MirrorWorld.run(mirror: mirror) { world in
            let line = String(repeating: "x", count: 1000)
            var template = try await world.recorded(try await world.queued("template"))
            template.state = .completed
            func fill(_ numbers: Range<Int>) {
                for number in numbers {
                    guard let id = TaskID("done-\(number)") else { continue }
                    var record = template
                    record.id = id
                    mirror.putIfNewer(world.parts.lookup.snapshot(of: record))
                    mirror.change(id) { task in
                        task.tail.append(Array(repeating: line, count: 20))
                        task.tail.markSaved(to: 20)
                    }
                }
            }
            isThere.withLock { $0 = false }
            fill(0..<50)
            #expect(mirror.tailBytes > 1_000_000)
            #expect(mirror.isOverfull)
            #expect((0..<50).allSatisfy { mirror.task(TaskID("done-\($0)") ?? template.id)?.tail.lines.count == 20 })
            isThere.withLock { $0 = true }
            fill(50..<51)
            #expect(mirror.tailBytes <= 112_500)
            #expect((0..<51).count { mirror.task(TaskID("done-\($0)") ?? template.id) != nil } <= 12)
        }
    }

    @Test("lines that a client asked for are read from the record once")
    func recalled() async throws {
        try await MirrorWorld.run { world in
            let id = try await world.placed("a", .init(lines: ["one", "two"]))
            try await world.reading { () async throws in await world.pass(.seconds(11)) }
            world.mirror.remove(id)
            await world.parts.refresh(id)
            #expect(try await world.lines(id) == ["one", "two"])
            world.database.isAway = true
            #expect(try await world.lines(id) == ["one", "two"])
        }
    }

    @Test("finished tasks are bounded as they come in, and least recently asked ones go")
    func finished() async throws {
        let mirror = StatusMirror(finishedLimit: 100)
        try await MirrorWorld.run(mirror: mirror) { world in
            let running = try await world.placed("running")
            var template = try await world.recorded(try await world.queued("template"))
            template.state = .completed
            for number in 0..<1000 {
                var record = template
                record.id = try #require(TaskID("done-\(number)"))
                mirror.putIfNewer(world.parts.lookup.snapshot(of: record))
                world.clock.advance(by: .milliseconds(1))
                _ = mirror.asked(try #require(TaskID("done-0")), at: world.clock.monotonic()) { $0.isVisible }
            }
            let kept = try (0..<1000).filter { mirror.task(try #require(TaskID("done-\($0)"))) != nil }
            #expect(kept.count <= 125)
            #expect(kept.count >= 100)
            #expect(kept.first == 0, "it was asked for all the time")
            #expect(kept.last == 999)
            #expect(mirror.task(running) != nil)
        }
    }

    @Test("a snapshot made anew from the record doesn't take back what memory knows better")
    func notTakenBack() async throws {
        try await MirrorWorld.run { world in
            let id = try await world.placed("a", .init(processingTime: 5000, progress: 40, lines: ["one"], images: 7))
            try await world.reading { () async throws in
                await world.pass(.seconds(1))
                #expect(try await world.recorded(id).progress == 0)
                await world.parts.refresh(id)
                let info = try #require(world.mirror.task(id)?.info)
                #expect(info.progress == 40)
                #expect(info.processingTime == 5000)
                #expect(info.imagesCount == 7)
                #expect(try await world.lines(id) == ["one"])
                await world.pass(.seconds(1))
                #expect(try await world.lines(id) == ["one"])
            }
        }
    }

    @Test("counts follow every change: unfinished ones by owner, waiting ones, watched ones, bytes of lines")
    func counts() async throws {
        try await MirrorWorld.run { world in
            let mirror = world.mirror
            let waiting = try await world.queued("waiting")
            let placed = try await world.placed("placed")
            #expect(mirror.unfinishedCount(in: .everything) == 2)
            #expect(mirror.unfinishedCount(in: .owner("somebody")) == 0)
            #expect(mirror.watched(on: MirrorWorld.name) == [placed])
            #expect(!mirror.hasWaiting)
            try await world.store.markWaiting([waiting], reason: "full", at: world.now)
            await world.parts.refresh(waiting)
            #expect(mirror.hasWaiting)
            mirror.change(placed) { $0.tail.append(["line"]) }
            #expect(mirror.tailBytes == 52)
            mirror.change(placed) { $0.record.state = .completed }
            #expect(mirror.watched(on: MirrorWorld.name) == [])
            #expect(mirror.takeUrgent(on: MirrorWorld.name) == [])
            mirror.remove(placed)
            mirror.remove(waiting)
            #expect(mirror.unfinishedCount(in: .everything) == 0)
            #expect(!mirror.hasWaiting)
            #expect(mirror.tailBytes == 0)
        }
    }
}
