import SQL
import TestSupport
import Testing

@Suite("Migrator", .timeLimit(.minutes(5)))
struct MigratorTests {
    private static let first = Migration(1, "notes") { dialect in
        ["CREATE TABLE notes (id BIGINT PRIMARY KEY, data \(dialect.bytesType))", "INSERT INTO notes VALUES (1, NULL)"]
    }
    private static let second = Migration(2, "titles") { _ in ["ALTER TABLE notes ADD COLUMN title TEXT"] }
    private static let count = Statement("count-notes", "SELECT count(*), count(title) FROM notes")

    @Test("steps are applied once, in order, and later ones on top", arguments: ScratchDatabase.all)
    func idempotent(scratch: ScratchDatabase) async throws {
        try await scratch.withDatabase { database async throws in
            try await Migrator([Self.first]).migrate(database)
            try await Migrator([Self.first]).migrate(database)
            try await Migrator([Self.first, Self.second]).migrate(database)
            try await Migrator([Self.first, Self.second]).migrate(database)
            #expect(try await database.query(Self.count()) == [Row([1, 0])])
        }
    }

    @Test("many migrators at once apply each step once", arguments: ScratchDatabase.all)
    func concurrent(scratch: ScratchDatabase) async throws {
        try await scratch.withDatabase { database async throws in
            try await withThrowingTaskGroup { group in
                for _ in 0..<6 { group.addTask { try await Migrator([Self.first, Self.second]).migrate(database) } }
                try await group.waitForAll()
            }
            #expect(try await database.query(Self.count()) == [Row([1, 0])])
        }
    }

    @Test("a database that a newer version migrated is refused", arguments: ScratchDatabase.all)
    func newer(scratch: ScratchDatabase) async throws {
        try await scratch.withDatabase { database async throws in
            try await Migrator([Self.first, Self.second]).migrate(database)
            let error = await failure { try await Migrator([Self.first]).migrate(database) }
            #expect(error?.code == .newerSchema)
            #expect(error?.message.contains("titles") == true)
        }
    }

    @Test("a list with a gap, and another program's database, are refused", arguments: ScratchDatabase.all)
    func wrongLists(scratch: ScratchDatabase) async throws {
        try await scratch.withDatabase { database async throws in
            let gap = await failure { try await Migrator([Self.second]).migrate(database) }
            #expect(gap?.code == .invalid)
            try await Migrator([Migration(1, "other") { _ in [] }]).migrate(database)
            let other = await failure { try await Migrator([Self.first]).migrate(database) }
            #expect(other?.code == .invalid)
        }
    }

    @Test("a step that fails undoes all of its run", arguments: ScratchDatabase.all)
    func failing(scratch: ScratchDatabase) async throws {
        let broken = Migration(2, "broken") { _ in ["CREATE TABLE more (id BIGINT)", "CREATE TABEL typo (id BIGINT)"] }
        try await scratch.withDatabase { database async throws in
            let error = await failure {
                try await Migrator([Self.first, broken]).migrate(database)
            }
            #expect(error?.statement == "migration-2")
            try await Migrator([Self.first, Self.second]).migrate(database)
            #expect(try await database.query(Self.count()) == [Row([1, 0])])
        }
    }
}
