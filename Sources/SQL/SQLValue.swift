/// A value as a statement takes it and a row gives it back.
public enum SQLValue: Sendable, Equatable {
    /// SQL's NULL.
    case null
    /// BIGINT, and BOOLEAN as 0 or 1.
    case integer(Int64)
    /// DOUBLE PRECISION.
    case real(Double)
    /// TEXT; a NUL inside is refused by both drivers, since PostgreSQL can't hold it.
    case text(String)
    /// BYTEA on PostgreSQL, BLOB on SQLite.
    case bytes([UInt8])

    /// The integer, or NULL for nil.
    public init(_ value: Int64?) { self = value.map(SQLValue.integer) ?? .null }
    /// The integer, or NULL for nil.
    public init(_ value: Int?) { self = value.map { .integer(Int64($0)) } ?? .null }
    /// 1 or 0, or NULL for nil.
    public init(_ value: Bool?) { self = value.map { .integer($0 ? 1 : 0) } ?? .null }
    /// The number, or NULL for nil.
    public init(_ value: Double?) { self = value.map(SQLValue.real) ?? .null }
    /// The text, or NULL for nil.
    public init(_ value: String?) { self = value.map(SQLValue.text) ?? .null }
    /// The bytes, or NULL for nil.
    public init(_ value: [UInt8]?) { self = value.map(SQLValue.bytes) ?? .null }
}

extension SQLValue: ExpressibleByNilLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByStringLiteral, ExpressibleByBooleanLiteral
{
    /// NULL.
    public init(nilLiteral: ()) { self = .null }
    /// An integer.
    public init(integerLiteral value: Int64) { self = .integer(value) }
    /// A number.
    public init(floatLiteral value: Double) { self = .real(value) }
    /// A text.
    public init(stringLiteral value: String) { self = .text(value) }
    /// 1 or 0.
    public init(booleanLiteral value: Bool) { self = .integer(value ? 1 : 0) }
}
