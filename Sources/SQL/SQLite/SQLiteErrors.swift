internal import CSQLite

/// Turns SQLite's result codes into `DatabaseError`.
enum SQLiteErrors {
    /// The last failure on a connection.
    /// - Parameters:
    ///   - connection: its handle.
    ///   - action: what was tried, for the message.
    ///   - statement: the statement's name, if one was running.
    /// - Returns: what to throw.
    static func error(of connection: OpaquePointer, doing action: String, statement: String? = nil) -> DatabaseError {
        let extended = sqlite3_extended_errcode(connection)
        let reason = String(cString: sqlite3_errmsg(connection))
        return DatabaseError(
            code(of: extended), "SQLite could not \(action): \(reason).", sqlState: String(extended),
            statement: statement)
    }

    /// The kind of a failure.
    /// - Parameter extended: an extended result code (sqlite.org/rescode.html); its low byte is the primary one.
    /// - Returns: the code.
    static func code(of extended: Int32) -> DatabaseError.Code {
        switch extended {
        case SQLITE_CONSTRAINT | (6 << 8), SQLITE_CONSTRAINT | (8 << 8), SQLITE_CONSTRAINT | (10 << 8):
            return .uniqueViolation  // PRIMARYKEY, UNIQUE, ROWID
        case SQLITE_BUSY | (2 << 8):
            return .serialization  // SNAPSHOT: a read can't become a write any more
        default: break
        }
        switch extended & 0xFF {
        case SQLITE_CONSTRAINT: return .constraint
        case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL: return .locked
        case SQLITE_INTERRUPT: return .timedOut
        case SQLITE_ABORT: return .serialization
        case SQLITE_PERM, SQLITE_AUTH, SQLITE_READONLY: return .denied
        case SQLITE_FULL, SQLITE_NOMEM, SQLITE_TOOBIG: return .full
        case SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_FORMAT: return .corrupt
        case SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_NOLFS: return .unavailable
        default: return .invalid  // ERROR, MISMATCH, MISUSE, RANGE, SCHEMA …: wrong SQL or values
        }
    }
}
