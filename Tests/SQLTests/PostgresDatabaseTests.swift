import Reactor
import SQL
import TestSupport
import Testing

@Suite("PostgreSQL", .timeLimit(.minutes(5)))
struct PostgresDatabaseTests {
    private static let backend = Statement("backend", "SELECT pg_backend_pid()")
    private static let terminate = Statement("terminate", "SELECT pg_terminate_backend($1)", isRead: false)

    /// Waits for a server, however long its start takes; the suite's own limit bounds it.
    private static func open(
        _ url: String, connections: Int = 1, acquireTimeout: Duration = .seconds(600),
        statementTimeout: Duration = .seconds(15)
    ) throws -> PostgresDatabase {
        try PostgresDatabase(
            url: url, loops: ScratchPostgres.loops, connectionsPerLoop: connections, acquireTimeout: acquireTimeout,
            statementTimeout: statementTimeout)
    }

    /// Two databases objects on one new database: what is tested, and one to meddle with it.
    private static func withTwo(
        connections: Int = 1, acquireTimeout: Duration = .seconds(600), statementTimeout: Duration = .seconds(15),
        _ body: (PostgresDatabase, PostgresDatabase) async throws -> Void
    ) async throws {
        try await ScratchPostgres.shared.value.withDatabase { url in
            let database = try open(
                url, connections: connections, acquireTimeout: acquireTimeout, statementTimeout: statementTimeout)
            let other = try open(url)
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(database, other))
            } catch {
                result = .failure(error)
            }
            await database.close()
            await other.close()
            try result.get()
        }
    }

    /// Gets the first connection of a database that waits only shortly: a slow machine isn't what is tested.
    private static func untilAnswered(by database: PostgresDatabase) async throws {
        while true {
            do throws(DatabaseError) {
                _ = try await database.query(backend())
                return
            } catch {
                guard error.code == .unavailable else { throw error }
                try Task.checkCancellation()
            }
        }
    }

    @Test("after a restart of the server the next statement works, and listeners are told to start afresh")
    func restart() async throws {
        let server = try await ScratchPostgres.start()
        let database = try Self.open(server.url(), connections: 3)
        try await DatabaseTests.makeItems(database)
        try await DatabaseTests.insert("kept", number: 1, into: database)
        var stream = database.listen(channel: "tasks").makeAsyncIterator()
        #expect(await stream.next() == ListenSignal.reset)
        for _ in 0..<2 {
            try await server.stop()
            try await server.startAgain()
            try await DatabaseTests.insert("again", into: database)
            #expect(try await database.query(DatabaseTests.count()).first?.integer(0) == 2)
            #expect(await stream.next() == ListenSignal.reset)
            try await database.notify(channel: "tasks", payload: "heard")
            #expect(await stream.next() == "heard")
            try await database.execute(Statement("remove", "DELETE FROM items WHERE id = 'again'")())
        }
        await database.close()
        try await server.remove()
    }

    @Test("while the server is away calls end with .unavailable after the time to wait, and succeed once it is back")
    func away() async throws {
        let server = try await ScratchPostgres.start()
        let patient = try Self.open(server.url())
        let database = try Self.open(server.url(), acquireTimeout: .milliseconds(300))
        _ = try await patient.query(Self.backend())
        try await Self.untilAnswered(by: database)
        #expect(database.isUp)
        try await server.stop()
        try await withThrowingTaskGroup { group in
            for _ in 0..<5 {
                group.addTask {
                    let error = await failure { try await DatabaseTests.insert("a", into: database) }
                    #expect(error?.code == .unavailable)
                    #expect(error?.outcomeUnknown == false)
                    let begin = await failure { try await database.transaction { _ in } }
                    #expect(begin?.code == .unavailable)
                }
            }
            try await group.waitForAll()
        }
        #expect(!database.isUp)
        async let waiting = patient.query(Self.backend())
        try await server.startAgain()
        #expect(try await waiting.count == 1)
        #expect(patient.isUp)
        await patient.close()
        await database.close()
        try await server.remove()
    }

    @Test("an idle connection that was ended is noticed before anything is sent into it")
    func idleTermination() async throws {
        try await Self.withTwo { database, other async throws in
            try await DatabaseTests.makeItems(database)
            for number in 0..<5 {
                let process = try #require(try await database.query(Self.backend()).first).value(0)
                try await other.execute(Self.terminate(process))
                try await Self.untilGone(process, other)
                // A write: it isn't retried, so the connection must have been known to be dead.
                try await DatabaseTests.insert("row \(number)", into: database)
            }
            #expect(try await database.query(DatabaseTests.count()).first?.integer(0) == 5)
        }
    }

    @Test("a write whose connection is ended half-way says that its outcome is unknown; a read runs again")
    func terminationHalfWay() async throws {
        let slowWrite = Statement("slow-write", "INSERT INTO items (id) SELECT $1 FROM pg_sleep(3600)")
        // Sleeps only while nobody has written the row "awake".
        let slowRead = Statement(
            "slow-read", "SELECT count(*) FROM (SELECT pg_sleep(3600) WHERE NOT EXISTS (SELECT FROM items)) AS s")
        try await Self.withTwo { database, other async throws in
            try await DatabaseTests.makeItems(database)
            let write = Task { await failure { try await database.execute(slowWrite("a")) } }
            try await other.execute(Self.terminate(.integer(try await Self.process(of: "%pg_sleep%", other))))
            let error = await write.value
            #expect(error?.code == .unavailable)
            #expect(error?.outcomeUnknown == true)

            let read = Task { try await database.query(slowRead()).first?.integer(0) }
            let process = try await Self.process(of: "%pg_sleep%", other)
            try await DatabaseTests.insert("awake", into: other)
            try await other.execute(Self.terminate(.integer(process)))
            #expect(try await read.value == 0)
        }
    }

    @Test("a transaction whose connection is ended before its commit runs again, and counts once")
    func transactionTermination() async throws {
        try await Self.withTwo { database, other async throws in
            try await DatabaseTests.makeItems(database)
            let isFirst = Flag()
            try await database.transaction { session async throws in
                try await DatabaseTests.insert("a", into: session)
                if isFirst.takeOnce() {
                    let process = try await session.query(Self.backend()).first?.value(0) ?? .null
                    try await other.execute(Self.terminate(process))
                }
                try await DatabaseTests.insert("b", into: session)
            }
            #expect(try await database.query(DatabaseTests.count()).first?.integer(0) == 2)
        }
    }

    @Test("a deadlock is solved by running one of the two again")
    func deadlock() async throws {
        let touch = Statement("touch", "UPDATE items SET number = number + 1 WHERE id = $1")
        try await Self.withTwo(connections: 2) { database, _ async throws in
            try await DatabaseTests.makeItems(database)
            for id in ["a", "b"] { try await DatabaseTests.insert(id, number: 0, into: database) }
            let meeting = Meeting(of: 2)
            try await withThrowingTaskGroup { group in
                for order in [["a", "b"], ["b", "a"]] {
                    group.addTask {
                        try await database.transaction { session async throws in
                            try await session.execute(touch(.text(order[0])))
                            await meeting.wait()
                            try await session.execute(touch(.text(order[1])))
                        }
                    }
                }
                try await group.waitForAll()
            }
            for id in ["a", "b"] {
                #expect(try await database.query(DatabaseTests.readItem(.text(id))).first?.integer(0) == 2)
            }
        }
    }

    @Test("callers beyond the connections wait in order, and give up in time")
    func exhausted() async throws {
        try await Self.withTwo(acquireTimeout: .milliseconds(200)) { database, _ async throws in
            try await Self.untilAnswered(by: database)
            try await database.transaction { _ in
                let error = await Task.detached { await failure { try await database.query(Self.backend()) } }.value
                #expect(error?.code == .unavailable)
                let cancelled = Task.detached { await failure { try await database.query(Self.backend()) } }
                cancelled.cancel()
                #expect(await cancelled.value?.code == .cancelled)
            }
            #expect(try await database.query(Self.backend()).count == 1)
        }
    }

    @Test("a statement that takes too long is ended by the server, and the connection goes on")
    func statementTimeout() async throws {
        try await Self.withTwo(statementTimeout: .milliseconds(100)) { database, _ async throws in
            let process = try await database.query(Self.backend())
            let error = await failure { try await database.query(Statement("sleep", "SELECT pg_sleep(3600)")()) }
            #expect(error?.code == .timedOut)
            #expect(error?.sqlState == "57014")
            let patient = Statement("long", "SELECT pg_sleep(0.2)", mayTakeLong: true)
            _ = try await database.query(patient())
            try await database.transaction { _ = try await $0.query(patient()) }
            #expect(try await database.query(Self.backend()) == process)
            let again = await failure { try await database.query(Statement("sleep", "SELECT pg_sleep(3600)")()) }
            #expect(again?.code == .timedOut)
        }
    }

    @Test("a prepared statement survives a change of its table")
    func changedTable() async throws {
        let all = Statement("all", "SELECT * FROM items")
        try await Self.withTwo { database, other async throws in
            try await DatabaseTests.makeItems(database)
            #expect(try await database.query(all()).isEmpty)
            try await other.execute(Statement("alter", "ALTER TABLE items ADD COLUMN more TEXT")())
            try await DatabaseTests.insert("a", into: other)
            #expect(try await database.query(all()).first?.count == 6)
            try await other.execute(Statement("alter", "ALTER TABLE items ADD COLUMN evenmore TEXT")())
            try await database.transaction { session async throws in
                #expect(try await session.query(all()).first?.count == 7)
            }
        }
    }

    @Test("a wrong URL, a wrong database and a refused user are told apart, and the password isn't shown")
    func refused() async throws {
        let server = try await ScratchPostgres.shared.value
        #expect(throws: DatabaseError.self) { _ = try Self.open("postgresql://a:secret@[broken") }
        do {
            _ = try Self.open("postgresql://a:secret@[broken")
        } catch let error as DatabaseError {
            #expect(error.code == .invalid)
            #expect(!error.description.contains("secret"))
        }
        let nowhere = try Self.open(server.url("no_such_database"))
        let missing = await failure { try await nowhere.query(Self.backend()) }
        #expect(missing?.code == .invalid)
        #expect(missing?.sqlState == "3D000")
        await nowhere.close()
        let nobody = try Self.open(server.url() + " user=nobody_here password=secret")
        let denied = await failure { try await nobody.query(Self.backend()) }
        #expect(denied?.code == .denied)
        #expect(denied?.description.contains("secret") == false)
        await nobody.close()
    }

    @Test(
        "hosts are tried in turn, by name and by address", arguments: ["127.0.0.1", "localhost", "127.0.0.2,localhost"])
    func hosts(host: String) async throws {
        let server = try await ScratchPostgres.shared.value
        let database = try Self.open(server.url(host: host))
        #expect(try await database.query(Self.backend()).count == 1)
        await database.close()
    }

    @Test("a call on a loop stays there, and a call from elsewhere is answered too")
    func loops() async throws {
        try await Self.withTwo { database, _ async throws in
            var processes: Set<Int64> = []
            for loop in ScratchPostgres.loops {
                let task = Task(executorPreference: loop) {
                    let row = try await database.query(Self.backend()).first
                    #expect(loop.isCurrent)
                    return try row?.integer(0) ?? 0
                }
                processes.insert(try await task.value)
            }
            #expect(processes.count == ScratchPostgres.loops.count)
            processes.insert(try await database.query(Self.backend()).first?.integer(0) ?? 0)
            #expect(processes.count == ScratchPostgres.loops.count)
        }
    }

    /// The server's process that runs a statement, once it does.
    private static func process(of pattern: String, _ database: PostgresDatabase) async throws -> Int64 {
        let find = Statement(
            "find",
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' "
                + "AND query LIKE $1 AND pid <> pg_backend_pid()")
        while true {
            if let row = try await database.query(find(.text(pattern))).first { return try row.integer(0) }
        }
    }

    private static func untilGone(_ process: SQLValue, _ database: PostgresDatabase) async throws {
        let find = Statement("find-gone", "SELECT 1 FROM pg_stat_activity WHERE pid = $1")
        while try await !database.query(find(process)).isEmpty {}
    }
}
