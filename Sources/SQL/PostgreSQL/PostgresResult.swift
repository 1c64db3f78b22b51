internal import CPostgres

/// Reads a result in text format; borrows it from the connection that clears it.
struct PostgresResult {
    private let handle: OpaquePointer

    /// Wraps a result whose status is TUPLES_OK or COMMAND_OK.
    init(_ handle: OpaquePointer) { self.handle = handle }

    /// All rows.
    func rows() -> [Row] {
        let columns = PQnfields(handle)
        let types = (0..<columns).map { PQftype(handle, $0) }
        return (0..<PQntuples(handle)).map { row in
            Row((0..<columns).map { column in value(row, column, type: types[Int(column)]) })
        }
    }

    /// Rows inserted, updated or deleted; a SELECT's own count isn't one.
    var changed: Int {
        let tag = PQcmdStatus(handle).map { String(cString: $0) } ?? ""
        guard ["INSERT ", "UPDATE ", "DELETE ", "MERGE "].contains(where: tag.hasPrefix) else { return 0 }
        return tag.split(separator: " ").last.flatMap { Int($0) } ?? 0
    }

    private func value(_ row: Int32, _ column: Int32, type: Oid) -> SQLValue {
        guard PQgetisnull(handle, row, column) == 0, let start = PQgetvalue(handle, row, column) else { return .null }
        let count = Int(PQgetlength(handle, row, column))
        let bytes = UnsafeRawBufferPointer(start: start, count: count)
        switch type {
        case 16: return .integer(bytes.first == UInt8(ascii: "t") ? 1 : 0)  // boolean
        case 17: return .bytes(Self.unhex(bytes))  // bytea
        case 20, 21, 23, 26:  // bigint, smallint, integer, oid
            return Int64(Self.text(bytes)).map(SQLValue.integer) ?? .text(Self.text(bytes))
        case 700, 701: return Double(Self.text(bytes)).map(SQLValue.real) ?? .text(Self.text(bytes))
        case 1700: return Self.number(Self.text(bytes))  // numeric
        default: return .text(Self.text(bytes))
        }
    }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }

    /// A sum of BIGINTs is NUMERIC on PostgreSQL and an integer on SQLite: whole ones become integers on both.
    private static func number(_ text: String) -> SQLValue {
        if let integer = Int64(text) { return .integer(integer) }
        return Double(text).map(SQLValue.real) ?? .text(text)
    }

    /// `\x` and two digits a byte: the format that every connection is set to.
    private static func unhex(_ text: UnsafeRawBufferPointer) -> [UInt8] {
        let digits = text.dropFirst(2)
        return [UInt8](unsafeUninitializedCapacity: digits.count / 2) { bytes, count in
            var position = digits.startIndex
            while count < digits.count / 2 {
                bytes.initializeElement(at: count, to: nibble(digits[position]) << 4 | nibble(digits[position + 1]))
                position += 2
                count += 1
            }
        }
    }

    /// `0`–`9` are 0x30–0x39; `a`–`f` are 0x61–0x66, so that 9 is to be added to the low half.
    private static func nibble(_ digit: UInt8) -> UInt8 { (digit & 0xF) + (digit >> 6) * 9 }
}
