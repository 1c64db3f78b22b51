import Glibc
import SQL
import TestSupport
import Testing

@Suite("SQLite", .timeLimit(.minutes(5)))
struct SQLiteDatabaseTests {
    private static func open(_ path: String, inline: Bool = false) async throws(DatabaseError) -> SQLiteDatabase {
        var configuration = SQLiteDatabase.Configuration()
        configuration.isInline = inline
        configuration.pool = inline ? nil : ScratchDatabase.pool
        return try await SQLiteDatabase.open(path: path, configuration: configuration)
    }

    @Test("a second open of the file is refused until the first has closed, and the rows are still there")
    func locked() async throws {
        try await ScratchDatabase.withPath { path in
            let first = try await Self.open(path)
            try await DatabaseTests.makeItems(first)
            try await DatabaseTests.insert("kept", number: 7, into: first)
            let error = await failure { _ = try await Self.open(path) }
            #expect(error?.code == .locked)
            #expect(error?.message.contains("in use") == true)
            await first.close()
            let second = try await Self.open(path)
            #expect(try await second.query(DatabaseTests.readItem("kept")).first?.integer(0) == 7)
            await second.close()
        }
    }

    @Test("an open that failed leaves no lock behind")
    func failedOpen() async throws {
        let missing = await failure {
            _ = try await Self.open("/nonexistent-folder/a.sqlite")
        }
        #expect(missing?.code == .unavailable)
        try await ScratchDatabase.withPath { path in
            try write(String(repeating: "no database at all, ", count: 50), to: path)
            for _ in 0..<2 {
                let error = await failure { _ = try await Self.open(path) }
                #expect(error?.code == .corrupt)
            }
        }
    }

    @Test("reads go on beside a transaction and don't see its changes")
    func readersBesideWriter() async throws {
        try await ScratchDatabase.sqlite.withDatabase { database async throws in
            try await DatabaseTests.makeItems(database)
            let (started, signal) = AsyncStream.makeStream(of: Void.self)
            let (goOn, proceed) = AsyncStream.makeStream(of: Void.self)
            async let transaction: Void = database.transaction { session in
                try await DatabaseTests.insert("a", into: session)
                signal.yield()
                for await _ in goOn { break }
            }
            for await _ in started { break }
            #expect(try await database.query(DatabaseTests.count()).first?.integer(0) == 0)
            proceed.yield()
            try await transaction
            #expect(try await database.query(DatabaseTests.count()).first?.integer(0) == 1)
        }
    }

    @Test("in memory, inline, with a clock of one's own: the database of a simulated world", arguments: [true, false])
    func inMemory(inline: Bool) async throws {
        var configuration = SQLiteDatabase.Configuration()
        configuration.isInline = inline
        configuration.pool = inline ? nil : ScratchDatabase.pool
        configuration.now = { 12345 }
        let database = try await SQLiteDatabase.open(path: ":memory:", configuration: configuration)
        try await DatabaseTests.makeItems(database)
        try await database.transaction { try await DatabaseTests.insert("a", into: $0) }
        let now = Statement("now", "SELECT count(*), \(database.dialect.nowMilliseconds) FROM items")
        #expect(try await database.query(now()) == [Row([1, 12345])])
        await database.close()
    }

    @Test("parameters that aren't numbered without gaps are refused")
    func gaps() async throws {
        try await ScratchDatabase.sqlite.withDatabase { database async throws in
            for text in ["SELECT $1, $3", "SELECT ?, ?", "SELECT $name"] {
                let error = await failure {
                    try await database.query(Statement("gaps", text)(1, 2))
                }
                #expect(error?.code == .invalid)
            }
        }
    }

    @Test("a task that is cancelled in the writer's queue leaves it")
    func cancelledWait() async throws {
        try await ScratchDatabase.sqlite.withDatabase { database async throws in
            try await DatabaseTests.makeItems(database)
            try await database.transaction { session in
                let waiting = Task.detached { try await DatabaseTests.insert("late", into: database) }
                waiting.cancel()
                let error = await failure { try await waiting.value }
                #expect(error?.code == .cancelled)
            }
            #expect(try await database.query(DatabaseTests.count()).first?.integer(0) == 0)
        }
    }

    @Test("extended result codes have their kind")
    func codes() async throws {
        try await ScratchDatabase.sqlite.withDatabase { database async throws in
            try await DatabaseTests.makeItems(database)
            try await DatabaseTests.insert("a", into: database)
            let duplicate = await failure {
                try await DatabaseTests.insert("a", into: database)
            }
            #expect(duplicate?.sqlState == "1555")
            let write = Statement("sly", "DELETE FROM items RETURNING id", isRead: true)
            let denied = await failure { try await database.query(write()) }
            #expect(denied?.code == .denied)
        }
    }
}

private func write(_ text: String, to path: String) throws {
    let file = try #require(fopen(path, "w"))
    fputs(text, file)
    fclose(file)
}
