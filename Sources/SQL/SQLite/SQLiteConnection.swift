internal import CSQLite

/// One connection to an SQLite file.
// Invariant: used by one thread at a time: its user holds the writer's gate, or has taken it out of the locked list of
// readers; hence @unchecked Sendable, and SQLITE_OPEN_NOMUTEX.
final class SQLiteConnection: @unchecked Sendable {
    /// Where and how to open.
    struct Options: Sendable {
        var path: String
        var isReader: Bool
        var busyTimeoutMilliseconds: Int32
        var now: @Sendable () -> Int64
    }

    private let handle: OpaquePointer
    private var prepared: [String: SQLiteStatement] = [:]
    /// Beyond this many the cache is emptied: only made-up texts can get there.
    private static let cacheLimit = 256

    /// Opens the file and sets what every connection needs.
    init(_ options: Options) throws(DatabaseError) {
        var opened: OpaquePointer?
        let access = options.isReader ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        let code = sqlite3_open_v2(options.path, &opened, access | SQLITE_OPEN_NOMUTEX, nil)
        guard let opened else {
            throw DatabaseError(.full, "No memory to open \(options.path).")
        }
        handle = opened
        guard code == SQLITE_OK else {
            throw SQLiteErrors.error(of: opened, doing: "open \(options.path)")
        }
        sqlite3_extended_result_codes(opened, 1)
        sqlite3_busy_timeout(opened, options.busyTimeoutMilliseconds)
        try SQLiteClock.install(on: opened, now: options.now)
        try configure(isReader: options.isReader)
    }

    deinit {
        prepared.removeAll()
        sqlite3_close_v2(handle)
    }

    /// True between BEGIN and COMMIT; SQLite ends a transaction by itself after some errors (disk full, I/O).
    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    /// Runs a statement to its end.
    /// - Parameters:
    ///   - bound: the statement and its values.
    ///   - keepRows: false drops the rows.
    /// - Returns: the rows, and how many were changed.
    /// - Throws: the statement's failure.
    func run(_ bound: BoundStatement, keepRows: Bool) throws(DatabaseError) -> StatementOutcome {
        let statement = try statement(for: bound.statement)
        defer { statement.reset() }
        try statement.bind(bound.values, name: bound.statement.name)
        let changesBefore = sqlite3_total_changes64(handle)
        var outcome = StatementOutcome()
        while try statement.step(name: bound.statement.name) {
            if keepRows { outcome.rows.append(statement.row()) }
        }
        // sqlite3_changes keeps the count of an earlier statement when this one was no INSERT, UPDATE or DELETE.
        if sqlite3_total_changes64(handle) != changesBefore { outcome.changed = Int(sqlite3_changes64(handle)) }
        return outcome
    }

    /// Runs SQL that has neither values nor rows.
    func run(_ text: String) throws(DatabaseError) {
        guard sqlite3_exec(handle, text, nil, nil, nil) == SQLITE_OK else {
            throw SQLiteErrors.error(of: handle, doing: text)
        }
    }

    private func configure(isReader: Bool) throws(DatabaseError) {
        // A reader finds the mode in the file. FULL: a commit is on the disk when it returns, also in WAL mode.
        if !isReader { try run("PRAGMA journal_mode = WAL") }
        try run("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF")
        // Reads the file's header, so that a file which is no database is refused now and not at the first statement.
        try run("SELECT count(*) FROM sqlite_schema")
    }

    private func statement(for statement: Statement) throws(DatabaseError) -> SQLiteStatement {
        if let found = prepared[statement.text] { return found }
        let made = try SQLiteStatement(statement, on: handle)
        if prepared.count >= Self.cacheLimit { prepared.removeAll() }
        prepared[statement.text] = made
        return made
    }
}
