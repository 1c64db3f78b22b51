import SQL
import TestSupport
import Testing

@Suite("Transactions", .timeLimit(.minutes(5)))
struct TransactionTests {
    private struct Refusal: Error {}

    @Test("a transaction is seen by others whole, once its body has returned", arguments: ScratchDatabase.all)
    func commit(scratch: ScratchDatabase) async throws {
        try await DatabaseTests.withItems(scratch) { database async throws in
            let seen = try await database.transaction { session in
                try await DatabaseTests.insert("a", into: session)
                try await DatabaseTests.insert("b", into: session)
                return try await session.query(DatabaseTests.count()).first?.integer(0)
            }
            #expect(seen == 2)
            #expect(try await database.query(DatabaseTests.count()).first?.integer(0) == 2)
        }
    }

    @Test("a body that throws leaves nothing behind, and its own error comes out", arguments: ScratchDatabase.all)
    func rollback(scratch: ScratchDatabase) async throws {
        try await DatabaseTests.withItems(scratch) { database async throws in
            await #expect(throws: Refusal.self) {
                try await database.transaction { session in
                    try await DatabaseTests.insert("a", into: session)
                    throw Refusal()
                }
            }
            #expect(try await database.query(DatabaseTests.count()).first?.integer(0) == 0)
            try await DatabaseTests.insert("a", into: database)
        }
    }

    @Test("a body that swallows a statement's failure commits nothing", arguments: ScratchDatabase.all)
    func swallowedFailure(scratch: ScratchDatabase) async throws {
        try await DatabaseTests.withItems(scratch) { database async throws in
            let error = await failure {
                try await database.transaction { session in
                    try await DatabaseTests.insert("a", into: session)
                    try? await DatabaseTests.insert("a", into: session)
                    let after = await failure {
                        try await DatabaseTests.insert("b", into: session)
                    }
                    #expect(after?.code == .invalid)
                }
            }
            #expect(error?.code == .uniqueViolation)
            #expect(try await database.query(DatabaseTests.count()).first?.integer(0) == 0)
        }
    }

    @Test("the database itself is refused inside a body, instead of waiting for ever", arguments: ScratchDatabase.all)
    func nested(scratch: ScratchDatabase) async throws {
        try await DatabaseTests.withItems(scratch) { database async throws in
            for isRead in [true, false] {
                let error = await failure {
                    try await database.transaction { _ in
                        _ =
                            isRead
                            ? try await database.query(DatabaseTests.count())
                            : try await database.transaction { _ in [] }
                    }
                }
                #expect(error?.code == .invalid)
            }
        }
    }

    @Test("what was read in a transaction and written there is not lost to another", arguments: ScratchDatabase.all)
    func readThenWrite(scratch: ScratchDatabase) async throws {
        let set = Statement("set", "UPDATE items SET number = $2 WHERE id = $1")
        try await DatabaseTests.withItems(scratch) { database async throws in
            try await DatabaseTests.insert("counter", number: 0, into: database)
            try await withThrowingTaskGroup { group in
                for _ in 0..<50 {
                    group.addTask {
                        try await database.transaction { session in
                            let row = try await session.query(DatabaseTests.readItem("counter")).first
                            let number = try #require(try row?.integer(0))
                            try await session.execute(set("counter", .integer(number + 1)))
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await database.query(DatabaseTests.readItem("counter")).first?.integer(0) == 50)
        }
    }

    @Test(
        "transactions that lock their row first see all of those before them, and run once",
        arguments: ScratchDatabase.all)
    func lockedRow(scratch: ScratchDatabase) async throws {
        let set = Statement("set", "UPDATE items SET number = $2 WHERE id = $1")
        let lock = Statement("lock", "UPDATE items SET number = number WHERE id = $1 RETURNING number")
        let total = Statement("total", "SELECT COUNT(*) FROM items WHERE id <> 'counter'")
        try await DatabaseTests.withItems(scratch) { database async throws in
            try await DatabaseTests.insert("counter", number: 0, into: database)
            let watched = WatchedDatabase(database)
            try await withThrowingTaskGroup { group in
                for index in 0..<50 {
                    group.addTask {
                        try await watched.transaction(.lockedRow) { session in
                            let row = try #require(try await session.query(lock("counter")).first)
                            // Another table's rows, or others of this one, that earlier ones have inserted.
                            let others = try await session.query(total()).first?.integer(0)
                            #expect(try others == row.integer(0))
                            try await DatabaseTests.insert("row \(index)", into: session)
                            try await session.execute(set("counter", .integer(row.integer(0) + 1)))
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(watched.bodies == 50)
            #expect(try await database.query(DatabaseTests.readItem("counter")).first?.integer(0) == 50)
        }
    }

    @Test("a cancelled transaction is rolled back and gives its connection back", arguments: ScratchDatabase.all)
    func cancelled(scratch: ScratchDatabase) async throws {
        try await DatabaseTests.withItems(scratch) { database async throws in
            let (started, signal) = AsyncStream.makeStream(of: Void.self)
            let task = Task {
                try await database.transaction { session in
                    try await DatabaseTests.insert("a", into: session)
                    signal.yield()
                    try await Task.sleep(for: .seconds(3600))
                }
            }
            for await _ in started { break }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(try await database.query(DatabaseTests.count()).first?.integer(0) == 0)
            try await database.transaction { try await DatabaseTests.insert("a", into: $0) }
        }
    }
}
