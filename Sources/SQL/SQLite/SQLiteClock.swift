internal import CSQLite

/// The SQL function `now_ms()`: SQLite has no clock of its own to ask, and a simulated world brings another.
// Invariant: the box is retained once when the function is made, and released once by SQLite, with the connection.
final class SQLiteClock {
    private let now: @Sendable () -> Int64

    private init(_ now: @escaping @Sendable () -> Int64) { self.now = now }

    /// Makes the function on a connection; SQLite calls it on the thread that runs the statement.
    static func install(on connection: OpaquePointer, now: @escaping @Sendable () -> Int64) throws(DatabaseError) {
        // SQLite holds it until it calls the destructor below: once, when the connection is closed or this call fails.
        let box = Unmanaged.passRetained(SQLiteClock(now)).toOpaque()
        let code = sqlite3_create_function_v2(
            connection, "now_ms", 0, SQLITE_UTF8, box,
            { context, _, _ in
                guard let box = sqlite3_user_data(context) else { return sqlite3_result_null(context) }
                sqlite3_result_int64(context, Unmanaged<SQLiteClock>.fromOpaque(box).takeUnretainedValue().now())
            },
            nil, nil,
            { box in
                if let box { Unmanaged<SQLiteClock>.fromOpaque(box).release() }
            })
        // On failure SQLite has called the destructor already.
        guard code == SQLITE_OK else { throw SQLiteErrors.error(of: connection, doing: "set the clock") }
    }
}
