import Model
import Record
import SQL
import TestSupport
import Testing

@Suite("Which kinds of files a task has", .timeLimit(.minutes(2)))
struct InputKindTests {
    @Test(
        "a file's name tells its kind",
        arguments: [
            ("IMG_1.JPG", []), ("a.jpeg", []), ("a.tif", []), ("a.TIFF", []), ("more.zip", []), ("a.tar.gz", []),
            ("gcp_list.txt", .sideFiles), ("GEO.TXT", .sideFiles), ("image_groups.txt", .sideFiles),
            ("align.laz", .sideFiles), ("align.tif", .sideFiles), ("Seed.zip", .seed), ("a.png", .otherFiles),
            ("film.mp4", .otherFiles), ("plain", .otherFiles),
        ] as [(String, InputKinds)])
    func names(name: String, kinds: InputKinds) {
        #expect(InputFile(name: name, size: 1, digest: "d", storageKey: "k").kinds == kinds)
    }

    @Test("a commit notes them, and whoever reads the queue sees them", arguments: ScratchDatabase.all)
    func committed(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let plain = try await fixture.queued("plain")
            let id = fixture.task("rich")
            _ = try await fixture.tasks.create(
                NewTask(id: id, name: "n", outputs: #"["dsm.tif"]"#, dateCreated: fixture.at(0)), at: fixture.at(0))
            for name in ["a.jpg", "gcp_list.txt", "seed.zip"] {
                _ = try await fixture.tasks.addFile(fixture.file(name), to: id, for: .everything, at: fixture.at(1))
            }
            _ = try await fixture.tasks.commit(id, for: .everything, at: fixture.at(2))
            #expect(try await fixture.read(id).inputKinds == [.sideFiles, .seed])
            #expect(try await fixture.read(plain).inputKinds == [])
            let queue = try await fixture.tasks.queue()
            #expect(queue.map(\.inputKinds) == [[], [.sideFiles, .seed]])
            #expect(queue.map(\.choosesOutputs) == [false, true])
            #expect(try await fixture.tasks.queued(id.key) == queue.last)
        }
    }

    @Test("those of a fetched archive are noted when it has been fetched", arguments: ScratchDatabase.all)
    func fetched(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let id = fixture.task("t")
            let task = NewTask(id: id, name: "n", dateCreated: fixture.at(0), zipURL: "https://example.org/a.zip")
            _ = try await fixture.tasks.create(task, at: fixture.at(0))
            _ = try await fixture.tasks.commit(id, for: .everything, fetching: true, at: fixture.at(1))
            for name in ["a.jpg", "geo.txt"] {
                _ = try await fixture.tasks.addFetchedFile(fixture.file(name), to: id, at: fixture.at(2))
            }
            _ = try await fixture.tasks.finishFetch(id, at: fixture.at(3))
            #expect(try await fixture.read(id).inputKinds == .sideFiles)
        }
    }

    @Test("a record of an earlier version learns them of the files that it has", arguments: ScratchDatabase.all)
    func migrates(scratch: ScratchDatabase) async throws {
        try await scratch.withDatabase { database async throws in
            try await Migrator(Array(Migrations.all.prefix(4))).migrate(database)
            let files = [
                "one": ["a.JPG", "GCP_list.txt"], "two": ["a.tif"], "three": ["seed.zip", "align.laz", "b.png"],
            ]
            for (task, names) in files {
                try await database.execute(
                    Statement(
                        "old task",
                        """
                        INSERT INTO tasks (id, spelling, name, options, skip_post_processing, priority, state, date_created,
                            created_at, data_at, committed_at, queued_at)
                        VALUES ('\(task)', '\(task)', 'n', '[]', 0, 0, 'queued', 1, 1, 1, 1, 1)
                        """)())
                for name in names {
                    try await database.execute(
                        Statement(
                            "old file",
                            """
                            INSERT INTO files (task, name, bytes, digest, storage_key, fetched, stored_at)
                            VALUES ('\(task)', '\(name)', 1, 'd', 'k', 0, 1)
                            """)())
                }
            }
            let record = try await RoutingRecord(opening: database, random: SeededBits(1))
            let expected: [(String, InputKinds)] = [
                ("one", .sideFiles), ("two", []), ("three", [.seed, .sideFiles, .otherFiles]),
            ]
            for (name, kinds) in expected {
                let id = try #require(TaskID(name))
                let kindsFound = try await record.tasks.record(of: id)?.inputKinds
                #expect(kindsFound == kinds, "\(name)")
            }
        }
    }
}
