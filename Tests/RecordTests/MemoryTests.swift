import Model
import Record
import SQL
import TestSupport
import Testing

@Suite("What is remembered beside tasks", .timeLimit(.minutes(2)))
struct MemoryTests {
    @Test("switches, answers and definitions of backends are remembered one by one", arguments: ScratchDatabase.all)
    func backends(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let backends = fixture.record.backends
            let fra = RecordFixture.fra
            #expect(try await backends.all().isEmpty)
            try await backends.remember(fra, info: "{}", options: nil, at: fixture.at(1))
            try await backends.remember(fra, info: nil, options: "[]", at: fixture.at(2))
            try await backends.define(fra, definition: #"{"url":"${FRA_URL}"}"#)
            #expect(
                try await backends.setSwitches(of: fra, locked: true, at: fixture.at(3))
                    == BackendSwitches(isLocked: true))
            #expect(
                try await backends.setSwitches(of: fra, draining: true, at: fixture.at(4))
                    == BackendSwitches(isLocked: true, isDraining: true))
            #expect(
                try await backends.setSwitches(of: RecordFixture.nyc, retired: true, at: fixture.at(5))
                    == BackendSwitches(isRetired: true))
            #expect(
                try await backends.setSwitches(of: fra, locked: false, at: fixture.at(6))
                    == BackendSwitches(isDraining: true))
            let all = try await backends.all()
            #expect(all.map(\.name) == [fra, RecordFixture.nyc])
            #expect(all[0].info == "{}")
            #expect(all[0].options == "[]")
            #expect(all[0].seenAt == fixture.at(2))
            #expect(all[0].switchedAt == fixture.at(6))
            #expect(all[0].definition == #"{"url":"${FRA_URL}"}"#)
            try await backends.forget(fra)
            #expect(try await backends.all().map(\.name) == [RecordFixture.nyc])
        }
    }

    @Test("what a backend has of ours: tasks that run, results, and clean-ups", arguments: ScratchDatabase.all)
    func holdings(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let backends = fixture.record.backends
            #expect(try await backends.holdings().isEmpty)
            let key = try await fixture.placed("t")
            _ = try await fixture.placed("u", on: RecordFixture.nyc)
            #expect(try await backends.holdings()[RecordFixture.fra] == BackendHoldings(running: 1))
            #expect(try await backends.holdings()[RecordFixture.nyc] == BackendHoldings(running: 1))
            _ = try await fixture.tasks.finish(key, .init(code: .completed), at: fixture.at(9))
            #expect(try await backends.holdings()[RecordFixture.fra] == BackendHoldings(copies: 1))
            _ = try await fixture.tasks.requestRemove(key.task, for: .everything, at: fixture.at(10))
            _ = try await fixture.tasks.delete(key.task, at: fixture.at(11))
            #expect(try await backends.holdings()[RecordFixture.fra] == BackendHoldings(cleanups: 1))
            let job = try #require(
                try await fixture.record.cleanups.due(on: RecordFixture.fra, at: fixture.at(99)).first)
            try await fixture.record.cleanups.done(job)
            #expect(try await backends.holdings()[RecordFixture.fra] == nil)
        }
    }

    @Test("definitions are kept together with how their backends came to be", arguments: ScratchDatabase.all)
    func definitions(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let backends = fixture.record.backends
            try await backends.remember(RecordFixture.fra, info: "{}", options: "[]", at: fixture.at(1))
            try await backends.setSwitches(of: RecordFixture.fra, locked: true, at: fixture.at(2))
            try await backends.keep([
                BackendEntry(name: RecordFixture.fra, definition: "one", isRetired: true),
                BackendEntry(name: RecordFixture.nyc, definition: "two", isAdded: true),
            ])
            let all = try await backends.all(withAnswers: false)
            #expect(all.map(\.definition) == ["one", "two"] && all.map(\.isAdded) == [false, true])
            #expect(all[0].switches == BackendSwitches(isLocked: true, isRetired: true))
            #expect(all[0].info == nil)
            #expect(try await backends.all()[0].info == "{}")
            try await backends.define(RecordFixture.nyc, definition: "three")
            #expect(try await backends.all()[1].isAdded == false)
        }
    }

    @Test("whoever listens is told of definitions and switches", arguments: ScratchDatabase.all)
    func backendChanges(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let backends = fixture.record.backends
            var changes = backends.changes().makeAsyncIterator()
            #expect(await changes.next() != nil)
            try await backends.define(RecordFixture.fra, definition: "one")
            #expect(await changes.next() != nil)
            try await backends.setSwitches(of: RecordFixture.fra, draining: true, at: fixture.at(2))
            #expect(await changes.next() != nil)
            try await backends.forget(RecordFixture.fra)
            #expect(await changes.next() != nil)
        }
    }

    @Test("the installation's identity is minted once", arguments: ScratchDatabase.all)
    func installation(scratch: ScratchDatabase) async throws {
        try await scratch.withDatabase { database async throws in
            let ids = try await race(5) { index in
                try await RoutingRecord(opening: database, random: SeededBits(UInt64(index))).installationID
            }
            #expect(Set(ids).count == 1)
            #expect(TaskID(ids[0])?.isUUID == true)
            let record = try await RoutingRecord(opening: database, random: SeededBits(99))
            #expect(record.installationID == ids[0])
            #expect(try await record.installation.storageID() == nil)
            try await record.installation.setStorageID("s1")
            try await record.installation.setStorageID("s2")
            #expect(try await record.installation.storageID() == "s2")
        }
    }

    @Test("clean-ups are due on their backend, wait where told, and end when done", arguments: ScratchDatabase.all)
    func cleanups(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let cleanups = fixture.record.cleanups
            let task = fixture.task("t")
            for (index, kind) in CleanupKind.allCases.enumerated() {
                try await cleanups.add(
                    kind, of: BackendTaskID("copy"), on: RecordFixture.fra, task: task, at: fixture.at(Int64(index)))
            }
            try await cleanups.add(
                .remove, of: BackendTaskID("copy"), on: RecordFixture.fra, task: task, at: fixture.at(50))
            #expect(try await cleanups.counts() == [RecordFixture.fra: 3])
            #expect(try await cleanups.due(on: RecordFixture.nyc, at: fixture.at(60)).isEmpty)
            let due = try await cleanups.due(on: RecordFixture.fra, at: fixture.at(60))
            #expect(due.map(\.kind) == [.discard, .cancel, .remove])
            try await cleanups.postpone(due[0], until: fixture.at(100))
            try await cleanups.done(due[1])
            #expect(try await cleanups.due(on: RecordFixture.fra, at: fixture.at(60)).map(\.kind) == [.remove])
            let later = try await cleanups.due(on: RecordFixture.fra, at: fixture.at(100))
            #expect(later.map(\.kind) == [.discard, .remove])
            #expect(later[0].tries == 1)
        }
    }

    @Test("events of a task are numbered in their order, also when they come at once", arguments: ScratchDatabase.all)
    func events(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let log = fixture.record.events
            let id = try await fixture.create("t")
            let written = try await race(20) { index in
                try await log.append(
                    .silent, of: id, attempt: 1, on: RecordFixture.fra, "poll \(index)", at: fixture.at(1))
            }
            #expect(written.allSatisfy { $0 })
            let events = try await log.events(of: id)
            #expect(events.map(\.number) == Array(1...21))
            #expect(events[5].backend == RecordFixture.fra)
            #expect(events[5].attempt == 1)
            #expect(try await log.events(of: id, after: 19).map(\.number) == [20, 21])
            #expect(try await log.events(of: id, limit: 2).map(\.number) == [1, 2])
            #expect(try await !log.append(.note, of: fixture.task("unknown"), "x", at: fixture.at(1)))
        }
    }

    @Test("all is there again after the file was closed and opened")
    func reopened() async throws {
        try await ScratchDatabase.withPath { path in
            var configuration = SQLiteDatabase.Configuration()
            configuration.pool = ScratchDatabase.pool
            var database = try await SQLiteDatabase.open(path: path, configuration: configuration)
            var fixture = RecordFixture(record: try await RoutingRecord(opening: database, random: SeededBits(1)))
            let identity = fixture.record.installationID
            let sending = try await fixture.begin(try await fixture.queued("sending"))
            _ = try await fixture.tasks.markSending(sending, at: fixture.at(1))
            _ = try await fixture.tasks.requestRemove(sending.task, for: .everything, at: fixture.at(2))
            _ = try await fixture.tasks.delete(sending.task, at: fixture.at(3))
            let placed = try await fixture.placed("placed", webhook: "http://hooks.example.org/")
            let before = try await fixture.read(placed.task)
            let ended = try await fixture.placed("ended", webhook: "http://hooks.example.org/")
            _ = try await fixture.tasks.finish(ended, TaskEnd(code: .completed), at: fixture.at(4))
            await database.close()

            database = try await SQLiteDatabase.open(path: path, configuration: configuration)
            fixture = RecordFixture(record: try await RoutingRecord(opening: database, random: SeededBits(2)))
            #expect(fixture.record.installationID == identity)
            #expect(try await fixture.cleanups(on: RecordFixture.fra) == ["discard sending-1"])
            #expect(try await fixture.tasks.live() == [before])
            #expect(try await fixture.record.webhooks.claim(lease: .seconds(9), limit: 9, at: fixture.at(9)).count == 1)
            await database.close()
        }
    }

    @Test("a database that is closed is away, and a row of another version is unreadable")
    func errors() async throws {
        try await ScratchDatabase.withPath { path in
            var configuration = SQLiteDatabase.Configuration()
            configuration.pool = ScratchDatabase.pool
            let database = try await SQLiteDatabase.open(path: path, configuration: configuration)
            let fixture = RecordFixture(record: try await RoutingRecord(opening: database, random: SeededBits(1)))
            let id = try await fixture.create("t")
            try await database.execute(Statement("spoil", "UPDATE events SET kind = 'unheard of'")())
            let unreadable = await #expect(throws: RecordError.self) {
                _ = try await fixture.record.events.events(of: id)
            }
            #expect(unreadable?.code == .unreadable)
            await database.close()
            let away = await #expect(throws: RecordError.self) { _ = try await fixture.tasks.record(of: id) }
            #expect(away?.code == .away)
        }
    }
}
