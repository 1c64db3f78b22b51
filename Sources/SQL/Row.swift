/// One row of an answer; columns are counted from 0, in the order of the SELECT or RETURNING list.
public struct Row: Sendable, Equatable {
    /// The columns' values.
    public let values: [SQLValue]

    /// Wraps values; drivers and tests make rows.
    public init(_ values: [SQLValue]) { self.values = values }

    /// How many columns there are.
    public var count: Int { values.count }

    /// The value as the database gave it.
    /// - Throws: `.invalid` when there is no such column.
    public func value(_ column: Int) throws(DatabaseError) -> SQLValue {
        guard values.indices.contains(column) else {
            throw DatabaseError(.invalid, "Column \(column) was asked of a row that has \(values.count).")
        }
        return values[column]
    }

    /// An integer.
    /// - Throws: `.invalid` for NULL and for another type.
    public func integer(_ column: Int) throws(DatabaseError) -> Int64 {
        guard let integer = try integerIfPresent(column) else { throw isNull(column) }
        return integer
    }

    /// An integer, or nil for NULL.
    /// - Throws: `.invalid` for another type.
    public func integerIfPresent(_ column: Int) throws(DatabaseError) -> Int64? {
        switch try value(column) {
        case .null: return nil
        case .integer(let integer): return integer
        case let other: throw mismatch(column, "an integer", other)
        }
    }

    /// A boolean, kept as 0 or 1.
    /// - Throws: `.invalid` for NULL and for another type.
    public func boolean(_ column: Int) throws(DatabaseError) -> Bool { try integer(column) != 0 }

    /// A text.
    /// - Throws: `.invalid` for NULL and for another type.
    public func text(_ column: Int) throws(DatabaseError) -> String {
        guard let text = try textIfPresent(column) else { throw isNull(column) }
        return text
    }

    /// A text, or nil for NULL.
    /// - Throws: `.invalid` for another type.
    public func textIfPresent(_ column: Int) throws(DatabaseError) -> String? {
        switch try value(column) {
        case .null: return nil
        case .text(let text): return text
        case let other: throw mismatch(column, "a text", other)
        }
    }

    /// A number; an integer is taken too, since SQLite and sums don't tell 2 from 2.0.
    /// - Throws: `.invalid` for NULL and for another type.
    public func real(_ column: Int) throws(DatabaseError) -> Double {
        guard let real = try realIfPresent(column) else { throw isNull(column) }
        return real
    }

    /// A number, or nil for NULL.
    /// - Throws: `.invalid` for another type.
    public func realIfPresent(_ column: Int) throws(DatabaseError) -> Double? {
        switch try value(column) {
        case .null: return nil
        case .real(let real): return real
        case .integer(let integer): return Double(integer)
        case let other: throw mismatch(column, "a number", other)
        }
    }

    /// Bytes.
    /// - Throws: `.invalid` for NULL and for another type.
    public func bytes(_ column: Int) throws(DatabaseError) -> [UInt8] {
        guard let bytes = try bytesIfPresent(column) else { throw isNull(column) }
        return bytes
    }

    /// Bytes, or nil for NULL.
    /// - Throws: `.invalid` for another type.
    public func bytesIfPresent(_ column: Int) throws(DatabaseError) -> [UInt8]? {
        switch try value(column) {
        case .null: return nil
        case .bytes(let bytes): return bytes
        case let other: throw mismatch(column, "bytes", other)
        }
    }

    private func isNull(_ column: Int) -> DatabaseError {
        DatabaseError(.invalid, "Column \(column) is NULL where a value was expected.")
    }

    /// Names the types only: a value may be a secret.
    private func mismatch(_ column: Int, _ wanted: String, _ found: SQLValue) -> DatabaseError {
        let kind =
            switch found {
            case .null: "NULL"
            case .integer: "an integer"
            case .real: "a number"
            case .text: "a text"
            case .bytes: "bytes"
            }
        return DatabaseError(.invalid, "Column \(column) holds \(kind) where \(wanted) was expected.")
    }
}
