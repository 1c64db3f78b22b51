import Model
import Record
import SQL
import TestSupport
import Testing

@Suite("Tasks whose images are in object storage", .timeLimit(.minutes(2)))
struct ObjectStorageTests {
    private static let fields = #"{"input":"s3://drone/flight/","output":"s3://drone/flight-output/","depth":1}"#

    private static func commit(_ name: String, _ fixture: RecordFixture) async throws -> TaskID {
        let id = fixture.task(name)
        var task = NewTask(id: id, name: name, dateCreated: fixture.at(0), objectStorage: fields)
        task.foundImages = 12
        task.foundBytes = 3000
        #expect(try await fixture.tasks.create(task, at: fixture.at(0)) == .created)
        let outcome = try await fixture.tasks.commit(id, for: .everything, at: fixture.at(1))
        #expect(outcome == .committed(images: 12, bytes: 3000))
        return id
    }

    @Test("needs no files, and the record keeps what was found and said", arguments: ScratchDatabase.all)
    func commits(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let id = try await Self.commit("odm-pipeline-bcdfghjklm", fixture)
            let record = try await fixture.read(id)
            #expect(record.objectStorage == Self.fields)
            #expect(record.images == 12 && record.bytes == 3000 && record.state == .queued)
            let queued = try #require(try await fixture.tasks.queue().first)
            #expect(queued.objectStorage == Self.fields && queued.images == 12)
            #expect(try await fixture.tasks.queued(id.key) == queued)
        }
    }

    @Test("an init again takes the new fields and counts", arguments: ScratchDatabase.all)
    func overwrites(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let id = fixture.task("t")
            var task = NewTask(id: id, name: "a", dateCreated: fixture.at(0), objectStorage: Self.fields)
            task.foundImages = 12
            #expect(try await fixture.tasks.create(task, at: fixture.at(0)) == .created)
            let plain = NewTask(id: id, name: "b", dateCreated: fixture.at(1))
            #expect(try await fixture.tasks.create(plain, at: fixture.at(1)) == .overwritten)
            let record = try await fixture.read(id)
            #expect(record.objectStorage == nil && record.images == 0 && record.inputsRemovedAt == nil)
            #expect(try await fixture.tasks.commit(id, for: .everything, at: fixture.at(2)) == .noFiles)
        }
    }

    @Test(
        "the client's own images never expire, so it can be restarted as long as it is kept",
        arguments: ScratchDatabase.all)
    func neverExpires(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let id = try await Self.commit("t", fixture)
            _ = try await fixture.tasks.requestCancel(id, for: .everything, at: fixture.at(2))
            #expect(try await fixture.tasks.inputsToRemove(keptFromBefore: fixture.at(1000)).isEmpty)
            #expect(try await fixture.tasks.oldest().inputs == nil)
            #expect(try await fixture.tasks.expired(keptFromBefore: fixture.at(1000)) == [id])
            #expect(try await fixture.tasks.requestRestart(id, for: .everything, at: fixture.at(3)) == .queued)
            #expect(try await fixture.read(id).images == 12)
        }
    }

    @Test(
        "an attempt knows where its results go, beside a fenced one", arguments: ScratchDatabase.all)
    func outputs(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let id = try await Self.commit("t", fixture)
            let place = try #require(S3URL("s3://drone/out/"))
            let first = try await Self.begin(id, at: place, fixture)
            #expect(first.output == place)
            #expect(try await fixture.read(id).attempt?.output == place)
            #expect(try await fixture.tasks.attempts(of: id).map(\.output) == [place])
            try await fixture.accept(first.key)
            #expect(
                try await fixture.tasks.fence(first.key, reason: "silent", at: fixture.at(5)) == .queued(failures: 0))
            let second = try await Self.begin(id, at: place, fixture)
            #expect(second.output == place.folder("attempt-2"))
        }
    }

    @Test(
        "while another task's run may write to a place, results go below it, and to it again afterwards",
        arguments: ScratchDatabase.all)
    func sharedPlaces(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let place = try #require(S3URL("s3://drone/out/"))
            let (one, two) = (try await Self.commit("one", fixture), try await Self.commit("two", fixture))
            let first = try await Self.begin(one, at: place, fixture)
            #expect(first.output == place)
            let second = try await Self.begin(two, at: place, fixture)
            #expect(second.output == place.folder("two"))
            let notes = try await fixture.record.events.events(of: two).filter { $0.kind == .note }.map(\.detail)
            #expect(
                notes == ["another task's run may write to s3://drone/out/: the results go to s3://drone/out/two/"])
            // One that was given up unseen may write some day.
            try await fixture.accept(first.key)
            _ = try await fixture.tasks.fence(first.key, reason: "silent", at: fixture.at(5))
            let three = try await Self.commit("three", fixture)
            #expect(try await Self.begin(three, at: place, fixture).output == place.folder("three"))
            #expect(try await fixture.tasks.dropFenced(first.key, at: fixture.at(6)))
            // The three that are left write elsewhere; once nobody is there the place is free.
            let four = try await Self.commit("four", fixture)
            #expect(try await Self.begin(four, at: place, fixture).output == place)
        }
    }

    private static func begin(_ id: TaskID, at place: S3URL, _ fixture: RecordFixture) async throws -> AttemptRecord {
        let outcome = try await fixture.tasks.begin(
            id, on: RecordFixture.fra, reason: "free slot", at: fixture.at(4),
            places: ResultPlaces(
                { number, isAfterFence in isAfterFence ? place.folder("attempt-\(number)") : place },
                apart: { _, _ in place.folder(id.key) }),
            naming: { BackendTaskID("\(id.key)-r\($0)") })
        guard case .begun(let attempt) = outcome else { throw FixtureError(message: "not begun: \(outcome)") }
        return attempt
    }

    @Test("a record of version 1 is brought to this one with its tasks", arguments: ScratchDatabase.all)
    func migrates(scratch: ScratchDatabase) async throws {
        try await scratch.withDatabase { database async throws in
            try await Migrator(Array(Migrations.all.prefix(1))).migrate(database)
            try await database.execute(
                Statement(
                    "old",
                    """
                    INSERT INTO tasks (id, spelling, name, options, skip_post_processing, priority, state, date_created,
                        created_at, data_at, committed_at, queued_at)
                    VALUES ('old', 'Old', 'n', '[]', 0, 0, 'queued', 1, 1, 1, 1, 1)
                    """)())
            let record = try await RoutingRecord(opening: database, random: SeededBits(1))
            let old = try #require(TaskID("old"))
            let task = try #require(try await record.tasks.record(of: old))
            #expect(task.id.string == "Old" && task.objectStorage == nil && task.attempt == nil)
        }
    }
}
