import Model
import Record
import SQL
import TestSupport
import Testing

@Suite("Init, upload and commit", .timeLimit(.minutes(2)))
struct ReceivingTests {
    @Test("an init again overwrites the fields and keeps the files", arguments: ScratchDatabase.all)
    func initAgain(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let id = try await fixture.create("Task-A")
            #expect(
                try await fixture.tasks.addFile(fixture.file("a.jpg"), to: id, for: .everything, at: fixture.at(1))
                    == .added)
            let again = NewTask(id: fixture.task("task-a"), name: "second", dateCreated: fixture.at(5))
            #expect(try await fixture.tasks.create(again, at: fixture.at(5)) == .overwritten)
            let record = try await fixture.read(id)
            #expect(record.name == "second")
            #expect(record.id.string == "task-a")
            #expect(record.dateCreated == fixture.at(5))
            #expect(record.state == .receiving)
            #expect(try await fixture.tasks.files(of: id) == [fixture.file("a.jpg")])
        }
    }

    @Test("an identity that is committed, or another owner's, is taken", arguments: ScratchDatabase.all)
    func taken(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let mine = try await fixture.create("mine", owner: "webodm")
            let foreign = NewTask(id: mine, owner: "other", name: "x", dateCreated: fixture.at(0))
            #expect(try await fixture.tasks.create(foreign, at: fixture.at(0)) == .exists)
            let anonymous = NewTask(id: mine, name: "x", dateCreated: fixture.at(0))
            #expect(try await fixture.tasks.create(anonymous, at: fixture.at(0)) == .exists)

            try await fixture.queued("done")
            let again = NewTask(id: fixture.task("DONE"), name: "x", dateCreated: fixture.at(0))
            #expect(try await fixture.tasks.create(again, at: fixture.at(0)) == .exists)
        }
    }

    @Test("a second file of the same name is a retry or gets an underscore", arguments: ScratchDatabase.all)
    func names(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let id = try await fixture.create("t")
            func add(_ name: String, _ digest: String) async throws -> AddFileOutcome {
                try await fixture.tasks.addFile(fixture.file(name, digest), to: id, for: .everything, at: fixture.at(1))
            }
            #expect(try await add("A.JPG", "d1") == .added)
            #expect(try await add("A.JPG", "d1") == .alreadyThere(name: "A.JPG"))
            #expect(try await add("A.JPG", "d2") == .renamed("A_.JPG"))
            #expect(try await add("A.JPG", "d2") == .alreadyThere(name: "A_.JPG"))
            #expect(try await add("A.JPG", "d3") == .renamed("A__.JPG"))
            #expect(try await add("a.jpg", "d4") == .added)
            #expect(try await add("plain", "d5") == .added)
            #expect(try await add("plain", "d6") == .renamed("plain_"))
            #expect(try await add(".hidden", "d7") == .added)
            #expect(try await add(".hidden", "d8") == .renamed(".hidden_"))
            let long = String(repeating: "n", count: 255)
            #expect(try await add(long, "d9") == .added)
            #expect(try await add(long, "d10") == .nameTooLong)
        }
    }

    @Test("files of one name that arrive at once all get names of their own", arguments: ScratchDatabase.all)
    func racingNames(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let id = try await fixture.create("t")
            let outcomes = try await race(20) { index in
                // Each content comes twice.
                try await fixture.tasks.addFile(
                    fixture.file("A.JPG", "digest \(index / 2)"), to: id, for: .everything, at: fixture.at(1))
            }
            let retries = outcomes.filter { if case .alreadyThere = $0 { true } else { false } }
            #expect(retries.count == 10)
            let files = try await fixture.tasks.files(of: id)
            #expect(files.count == 10)
            #expect(Set(files.map(\.digest)).count == 10)
        }
    }

    @Test("forty files of one task at once wait for nothing and are tried once", arguments: ScratchDatabase.all)
    func parallelFiles(scratch: ScratchDatabase) async throws {
        try await scratch.withDatabase { database async throws in
            let watched = WatchedDatabase(database)
            let fixture = RecordFixture(record: try await RoutingRecord(opening: watched, random: SeededBits(1)))
            let id = try await fixture.create("t")
            let (statements, bodies) = (watched.statements, watched.bodies)
            let outcomes = try await race(40) { index in
                try await fixture.tasks.addFile(
                    fixture.file("image \(index).jpg"), to: id, for: .everything, at: fixture.at(1))
            }
            #expect(outcomes == Array(repeating: .added, count: 40))
            #expect(watched.statements - statements == 40, "no statement was sent twice")
            #expect(watched.bodies - bodies == 0)
            #expect(
                try await fixture.tasks.commit(id, for: .everything, at: fixture.at(2))
                    == .committed(images: 40, bytes: 400))
        }
    }

    @Test("files that race a commit are in it or refused, and nothing is tried again", arguments: ScratchDatabase.all)
    func filesAgainstCommit(scratch: ScratchDatabase) async throws {
        try await scratch.withDatabase { database async throws in
            let watched = WatchedDatabase(database)
            let fixture = RecordFixture(record: try await RoutingRecord(opening: watched, random: SeededBits(1)))
            for round in 0..<10 {
                let id = try await fixture.create("t\(round)")
                _ = try await fixture.tasks.addFile(fixture.file("0.jpg"), to: id, for: .everything, at: fixture.at(1))
                let bodies = watched.bodies
                let outcomes = try await race(21) { index -> Int in
                    if index == 10 {
                        let end = try await fixture.tasks.commit(id, for: .everything, at: fixture.at(2))
                        guard case .committed(let images, _) = end else { return 0 }
                        return -images
                    }
                    let added = try await fixture.tasks.addFile(
                        fixture.file("\(index + 1).jpg"), to: id, for: .everything, at: fixture.at(1))
                    return added == .added ? 1 : 0
                }
                let images = -outcomes.reduce(0, min)
                #expect(images == 1 + outcomes.count { $0 == 1 })
                #expect(try await fixture.tasks.files(of: id).count == images)
                #expect(watched.bodies - bodies == 1)
            }
        }
    }

    @Test("a commit counts the images and the bytes, and is the same the second time", arguments: ScratchDatabase.all)
    func commit(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let id = try await fixture.create("T", owner: "a")
            #expect(try await fixture.tasks.commit(id, for: .owner("a"), at: fixture.at(1)) == .noFiles)
            for name in ["a.jpg", "b.tif", "gcp.txt", "seed.zip"] {
                _ = try await fixture.tasks.addFile(fixture.file(name), to: id, for: .owner("a"), at: fixture.at(1))
            }
            #expect(try await fixture.tasks.commit(id, for: .owner("b"), at: fixture.at(2)) == .unknown)
            #expect(
                try await fixture.tasks.commit(id, for: .owner("a"), at: fixture.at(2))
                    == .committed(images: 2, bytes: 40))
            #expect(try await fixture.tasks.commit(id, for: .owner("a"), at: fixture.at(3)) == .alreadyCommitted)
            #expect(try await fixture.tasks.commit(id, for: .owner("b"), at: fixture.at(3)) == .unknown)
            #expect(
                try await fixture.tasks.addFile(fixture.file("late.jpg"), to: id, for: .owner("a"), at: fixture.at(4))
                    == .notReceiving)
            let record = try await fixture.read(id)
            #expect(record.state == .queued)
            #expect(record.committedAt == fixture.at(2))
            #expect(record.shownCode == .running)
            #expect(try await fixture.kinds(of: id) == [.initialized, .committed])
        }
    }

    @Test("of fifty commits at once one commits", arguments: ScratchDatabase.all)
    func racingCommits(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let id = try await fixture.create("t")
            _ = try await fixture.tasks.addFile(fixture.file("a.jpg"), to: id, for: .everything, at: fixture.at(1))
            let outcomes = try await race(50) { _ in
                try await fixture.tasks.commit(id, for: .everything, at: fixture.at(2))
            }
            #expect(outcomes.filter { $0 == .committed(images: 1, bytes: 10) }.count == 1)
            #expect(outcomes.filter { $0 == .alreadyCommitted }.count == 49)
        }
    }

    @Test("a commit and a file at once never leave a file uncounted", arguments: ScratchDatabase.all)
    func commitAgainstFile(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            for round in 0..<10 {
                let id = try await fixture.create("t\(round)")
                _ = try await fixture.tasks.addFile(fixture.file("a.jpg"), to: id, for: .everything, at: fixture.at(1))
                async let added = fixture.tasks.addFile(
                    fixture.file("b.jpg"), to: id, for: .everything, at: fixture.at(2))
                async let committed = fixture.tasks.commit(id, for: .everything, at: fixture.at(2))
                let images = try await added == .added ? 2 : 1
                #expect(try await committed == .committed(images: images, bytes: ByteCount(Int64(images * 10))))
            }
        }
    }

    @Test(
        "a fetched task is queued without files, isn't placed, and is counted in the end",
        arguments: ScratchDatabase.all)
    func fetching(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let id = try await fixture.create("t")
            _ = try await fixture.tasks.addFile(fixture.file("own.jpg"), to: id, for: .everything, at: fixture.at(1))
            #expect(
                try await fixture.tasks.commit(id, for: .everything, fetching: true, at: fixture.at(1))
                    == .committed(images: 1, bytes: 10))
            #expect(try await fixture.tasks.queue().isEmpty)
            #expect(try await fixture.tasks.fetching().map(\.id) == [id])
            #expect(
                try await fixture.tasks.begin(id, on: RecordFixture.fra, reason: "", at: fixture.at(1)) { _ in
                    BackendTaskID("x")
                } == .lost)
            #expect(try await fixture.tasks.say("Fetching", of: id, at: fixture.at(1)))
            #expect(try await fixture.tasks.addFetchedFile(fixture.file("f.jpg"), to: id, at: fixture.at(2)) == .added)
            #expect(try await fixture.tasks.noteFetchFailure(id, reason: "cut off", at: fixture.at(3)) == 1)
            #expect(try await fixture.tasks.clearFetched(id, at: fixture.at(3)) == [fixture.file("f.jpg")])
            #expect(try await fixture.tasks.addFetchedFile(fixture.file("g.jpg"), to: id, at: fixture.at(4)) == .added)
            #expect(try await fixture.tasks.finishFetch(id, at: fixture.at(5)) == .committed(images: 2, bytes: 20))
            #expect(try await fixture.tasks.finishFetch(id, at: fixture.at(5)) == .unknown)
            #expect(try await fixture.tasks.queue().map(\.images) == [2])
            #expect(try await fixture.tasks.output(of: id, from: 0) == ["Fetching"])
        }
    }

    @Test("a task that ended before its fetch did is fetched anew when it is restarted", arguments: ScratchDatabase.all)
    func restartedFetch(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let id = try await fixture.create("t")
            _ = try await fixture.tasks.commit(id, for: .everything, fetching: true, at: fixture.at(1))
            _ = try await fixture.tasks.noteFetchFailure(id, reason: "404", at: fixture.at(2))
            _ = try await fixture.tasks.failQueued(id, reason: "404", at: fixture.at(3))
            #expect(try await fixture.tasks.fetching().isEmpty)
            let late = try await fixture.tasks.addFetchedFile(fixture.file("f.jpg"), to: id, at: fixture.at(4))
            #expect(late == .notReceiving)
            #expect(try await fixture.tasks.requestRestart(id, for: .everything, at: fixture.at(5)) == .queued)
            #expect(try await fixture.tasks.fetching().map(\.fetchFailures) == [0])
            #expect(try await fixture.tasks.queue().isEmpty)
        }
    }

    @Test("a text with a NUL is kept without it", arguments: ScratchDatabase.all)
    func nul(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let id = fixture.task("t")
            _ = try await fixture.tasks.create(
                NewTask(id: id, name: "a\u{0}b", dateCreated: fixture.at(0)), at: fixture.at(0))
            #expect(try await fixture.read(id).name == "ab")
        }
    }
}
