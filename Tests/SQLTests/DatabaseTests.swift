import SQL
import TestSupport
import Testing

/// What both databases do alike.
@Suite("Databases", .timeLimit(.minutes(5)))
struct DatabaseTests {
    static let insertItem = Statement(
        "insert-item", "INSERT INTO items (id, number, factor, word, data) VALUES ($1, $2, $3, $4, $5)")
    static let readItem = Statement("read-item", "SELECT number, factor, word, data FROM items WHERE id = $1")
    static let count = Statement("count", "SELECT count(*) FROM items")

    static func makeItems(_ database: any Database) async throws {
        let text = """
            CREATE TABLE items (id TEXT PRIMARY KEY, number BIGINT, factor DOUBLE PRECISION, word TEXT,
                data \(database.dialect.bytesType), CHECK (number <> -13))
            """
        try await database.execute(Statement("make-items", text)())
    }

    static func withItems(_ scratch: ScratchDatabase, _ body: (any Database) async throws -> Void) async throws {
        try await scratch.withDatabase { database async throws in
            try await makeItems(database)
            try await body(database)
        }
    }

    static func insert(_ id: String, number: Int64? = nil, into session: any DatabaseSession) async throws {
        try await session.execute(insertItem(.text(id), SQLValue(number), nil, nil, nil))
    }

    @Test("values come back as they went in", arguments: ScratchDatabase.all)
    func roundTrip(scratch: ScratchDatabase) async throws {
        let rows: [[SQLValue]] = [
            [nil, nil, nil, nil],
            [0, 0.0, "", .bytes([])],
            [.integer(.max), .real(.greatestFiniteMagnitude), "Ωmega 🛰 née", .bytes(Array(0...255))],
            [.integer(.min), .real(-.leastNonzeroMagnitude), "it's \"quoted\"\\n\n\t", .bytes([0])],
            [
                -1, .real(0.1), .text(String(repeating: "long ", count: 50_000)),
                .bytes(.init(repeating: 92, count: 99_999)),
            ],
        ]
        try await Self.withItems(scratch) { database async throws in
            for (index, values) in rows.enumerated() {
                let id = SQLValue.text("row \(index)")
                #expect(try await database.execute(Self.insertItem([id] + values)) == 1)
                #expect(try await database.query(Self.readItem(id)) == [Row(values)])
            }
        }
    }

    @Test("a text with a NUL, and a NaN, are refused with the parameter's number", arguments: ScratchDatabase.all)
    func refusedValues(scratch: ScratchDatabase) async throws {
        try await Self.withItems(scratch) { database async throws in
            let withNUL = await failure {
                try await database.execute(Self.insertItem("a", 1, 1.0, "a\0b", nil))
            }
            #expect(withNUL?.code == .invalid)
            #expect(withNUL?.message.contains("$4") == true)
            let notANumber = await failure {
                try await database.execute(Self.insertItem("a", 1, .real(.nan), "", nil))
            }
            #expect(notANumber?.message.contains("$3") == true)
            let tooMany = [SQLValue](repeating: 1, count: 40_000)
            #expect(await failure { try await database.query(Self.readItem(tooMany)) }?.code == .invalid)
        }
    }

    @Test("parameters are bound by their number, not by their place in the text", arguments: ScratchDatabase.all)
    func parameterOrder(scratch: ScratchDatabase) async throws {
        try await scratch.withDatabase { database async throws in
            let swapped = Statement("swapped", "SELECT CAST($2 AS TEXT), CAST($1 AS TEXT), CAST($2 AS TEXT)")
            #expect(try await database.query(swapped("first", "second")) == [Row(["second", "first", "second"])])
            for values in [["one"], ["one", "two", "three"]] as [[SQLValue]] {
                let error = await failure { try await database.query(swapped(values)) }
                #expect(error?.code == .invalid)
            }
        }
    }

    @Test("RETURNING and ON CONFLICT give rows and counts", arguments: ScratchDatabase.all)
    func returning(scratch: ScratchDatabase) async throws {
        let upsert = Statement(
            "upsert",
            """
            INSERT INTO items (id, number) VALUES ($1, $2)
            ON CONFLICT (id) DO UPDATE SET number = items.number + excluded.number RETURNING id, number
            """)
        let ignore = Statement("ignore", "INSERT INTO items (id) VALUES ($1) ON CONFLICT (id) DO NOTHING")
        try await Self.withItems(scratch) { database async throws in
            #expect(try await database.query(upsert("a", 2)) == [Row(["a", 2])])
            #expect(try await database.query(upsert("a", 40)) == [Row(["a", 42])])
            #expect(try await database.execute(ignore("a")) == 0)
            #expect(try await database.execute(ignore("b")) == 1)
            #expect(try await database.execute(Statement("all", "UPDATE items SET word = 'x'")()) == 2)
            #expect(try await database.execute(Self.count()) == 0)
            #expect(try await database.execute(Statement("ddl", "CREATE INDEX by_word ON items (word)")()) == 0)
            #expect(try await database.query(Statement("none", "SELECT id FROM items WHERE id = 'z'")()).isEmpty)
        }
    }

    @Test("a broken rule has its code, and the statement's name", arguments: ScratchDatabase.all)
    func errorCodes(scratch: ScratchDatabase) async throws {
        let parent = Statement("child", "CREATE TABLE child (item TEXT NOT NULL REFERENCES items (id))")
        let cases: [(String, DatabaseError.Code)] = [
            ("INSERT INTO items (id) VALUES ('a')", .uniqueViolation),
            ("INSERT INTO items (id, number) VALUES ('b', -13)", .constraint),
            ("INSERT INTO child (item) VALUES (NULL)", .constraint),
            ("INSERT INTO child (item) VALUES ('nobody')", .constraint),
            ("SELEKT 1", .invalid), ("SELECT missing FROM items", .invalid), ("SELECT 1; SELECT 2", .invalid),
            ("INSERT INTO nowhere VALUES (1)", .invalid),
        ]
        try await Self.withItems(scratch) { database async throws in
            try await database.execute(parent())
            try await Self.insert("a", into: database)
            for (text, code) in cases {
                let error = await failure {
                    try await database.execute(Statement("broken", text)())
                }
                #expect(error?.code == code, "\(text): \(String(describing: error))")
                #expect(error?.statement == "broken")
                #expect(error?.sqlState != nil || text.contains(";"))
                #expect(error?.outcomeUnknown == false)
            }
        }
    }

    @Test("the database's clock is that of the machine", arguments: ScratchDatabase.all)
    func clock(scratch: ScratchDatabase) async throws {
        try await scratch.withDatabase { database async throws in
            let text = "SELECT \(database.dialect.nowMilliseconds)"
            let now = try #require(try await database.query(Statement("now", text)()).first).integer(0)
            #expect(abs(now - SQLiteDatabase.wallMilliseconds()) < 60_000)
        }
    }

    @Test("sums and counts are integers, averages numbers", arguments: ScratchDatabase.all)
    func aggregates(scratch: ScratchDatabase) async throws {
        try await Self.withItems(scratch) { database async throws in
            try await Self.insert("a", number: 1, into: database)
            try await Self.insert("b", number: 2, into: database)
            let text = "SELECT sum(number), count(*), avg(number), number > 1 FROM items GROUP BY number > 1 ORDER BY 1"
            let row = try #require(try await database.query(Statement("sum", text)()).last)
            #expect(try row.integer(0) == 2)
            #expect(try row.integer(1) == 1)
            #expect(try row.real(2) == 2)
            #expect(try row.boolean(3))
        }
    }

    @Test("fifty writers at once lose nothing", arguments: ScratchDatabase.all)
    func concurrentIncrements(scratch: ScratchDatabase) async throws {
        let increment = Statement("increment", "UPDATE items SET number = number + 1 WHERE id = $1")
        try await Self.withItems(scratch) { database async throws in
            try await Self.insert("counter", number: 0, into: database)
            try await withThrowingTaskGroup { group in
                for _ in 0..<50 {
                    group.addTask {
                        for _ in 0..<4 { try await database.execute(increment("counter")) }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await database.query(Self.readItem("counter")).first?.integer(0) == 200)
        }
    }

    @Test("a closed database says so", arguments: ScratchDatabase.all)
    func closed(scratch: ScratchDatabase) async throws {
        try await scratch.withDatabase { database async throws in
            let stream = database.listen(channel: "c")
            await database.close()
            for await payload in stream { #expect(payload == ListenSignal.reset) }
            let read = await failure { try await database.query(Self.count()) }
            #expect(read?.code == .closed)
            let write = await failure { try await database.transaction { _ in } }
            #expect(write?.code == .closed)
            #expect(!database.isUp)
        }
    }
}
