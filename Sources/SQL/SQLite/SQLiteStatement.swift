internal import CSQLite

/// A prepared statement; lives and is used with its connection.
final class SQLiteStatement {
    private let connection: OpaquePointer
    private let handle: OpaquePointer
    /// Where `$1`, `$2` … are bound.
    ///
    /// SQLite numbers parameters by their first appearance in the text, so the position is asked for by name.
    private let positions: [Int32]

    /// Prepares a statement.
    /// - Throws: `.invalid` for wrong SQL, for more than one statement, and for parameters that aren't `$1` … `$n`.
    init(_ statement: Statement, on connection: OpaquePointer) throws(DatabaseError) {
        var prepared: OpaquePointer?
        let (code, rest) = Self.prepare(statement.text, on: connection, into: &prepared)
        guard code == SQLITE_OK else {
            throw SQLiteErrors.error(of: connection, doing: "prepare a statement", statement: statement.name)
        }
        guard let prepared else {
            throw DatabaseError(.invalid, "The statement has no SQL.", statement: statement.name)
        }
        handle = prepared
        self.connection = connection
        var positions: [Int32] = []
        for number in 0..<sqlite3_bind_parameter_count(prepared) {
            positions.append(sqlite3_bind_parameter_index(prepared, "$\(number + 1)"))
        }
        self.positions = positions
        guard rest.allSatisfy({ $0 == ";" || $0.isWhitespace }) else {
            throw DatabaseError(.invalid, "There is SQL after the statement's end.", statement: statement.name)
        }
        guard !positions.contains(0) else {
            throw DatabaseError(
                .invalid, "Parameters must be $1 … $\(positions.count), each used at least once.",
                statement: statement.name)
        }
    }

    deinit { sqlite3_finalize(handle) }

    /// Sets every parameter.
    func bind(_ values: [SQLValue], name: String) throws(DatabaseError) {
        guard values.count == positions.count else {
            throw DatabaseError(
                .invalid, "The statement takes \(positions.count) values and got \(values.count).", statement: name)
        }
        for (value, position) in zip(values, positions) where bind(value, at: position) != SQLITE_OK {
            throw SQLiteErrors.error(of: connection, doing: "bind a value", statement: name)
        }
    }

    /// Goes to the next row.
    /// - Returns: false at the end.
    func step(name: String) throws(DatabaseError) -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw SQLiteErrors.error(of: connection, doing: "run a statement", statement: name)
        }
    }

    /// The row that the last step arrived at.
    func row() -> Row { Row((0..<sqlite3_column_count(handle)).map(value)) }

    /// Ends the run and forgets the values; the statement stays prepared.
    func reset() {
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
    }

    private static func prepare(
        _ text: String, on connection: OpaquePointer, into prepared: inout OpaquePointer?
    ) -> (code: Int32, rest: String) {
        text.withCString { start in
            var tail: UnsafePointer<CChar>?
            let code = sqlite3_prepare_v3(
                connection, start, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, &tail)
            return (code, tail.map { String(cString: $0) } ?? "")
        }
    }

    private func bind(_ value: SQLValue, at position: Int32) -> Int32 {
        // SQLITE_TRANSIENT, a macro that isn't imported: SQLite copies the bytes before it returns.
        let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        switch value {
        case .null: return sqlite3_bind_null(handle, position)
        case .integer(let integer): return sqlite3_bind_int64(handle, position, integer)
        case .real(let real): return sqlite3_bind_double(handle, position, real)
        case .text(let text):
            return text.withCString { start in
                sqlite3_bind_text64(
                    handle, position, start, UInt64(text.utf8.count), copied, UInt8(SQLITE_UTF8))
            }
        case .bytes(let bytes):
            // A null pointer would bind NULL, and an empty array may have one.
            guard !bytes.isEmpty else { return sqlite3_bind_zeroblob(handle, position, 0) }
            return bytes.withUnsafeBytes { buffer in
                sqlite3_bind_blob64(handle, position, buffer.baseAddress, UInt64(buffer.count), copied)
            }
        }
    }

    private func value(_ column: Int32) -> SQLValue {
        switch sqlite3_column_type(handle, column) {
        case SQLITE_INTEGER: return .integer(sqlite3_column_int64(handle, column))
        case SQLITE_FLOAT: return .real(sqlite3_column_double(handle, column))
        case SQLITE_TEXT:
            guard let start = sqlite3_column_text(handle, column) else { return .text("") }
            let count = Int(sqlite3_column_bytes(handle, column))
            return .text(String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self))
        case SQLITE_BLOB:
            guard let start = sqlite3_column_blob(handle, column) else { return .bytes([]) }
            let count = Int(sqlite3_column_bytes(handle, column))
            return .bytes([UInt8](UnsafeRawBufferPointer(start: start, count: count)))
        default: return .null
        }
    }
}
