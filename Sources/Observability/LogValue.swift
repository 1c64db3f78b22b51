/// A value of a log line's metadata.
public enum LogValue: Sendable, Equatable {
    /// Text, escaped as the format asks.
    case string(String)
    /// A whole number.
    case integer(Int64)
    /// A number.
    case real(Double)
    /// true or false.
    case bool(Bool)

    /// The text of anything that describes itself.
    public static func text(_ value: some CustomStringConvertible) -> LogValue { .string(value.description) }
    /// Any whole number; one beyond Int64 is clamped.
    public static func number(_ value: some BinaryInteger) -> LogValue { .integer(Int64(clamping: value)) }
}

extension LogValue: ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral
{
    /// Literal text.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A literal whole number.
    public init(integerLiteral value: Int64) { self = .integer(value) }
    /// A literal number.
    public init(floatLiteral value: Double) { self = .real(value) }
    /// A literal truth value.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
}
