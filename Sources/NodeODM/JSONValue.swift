/// A JSON text as a value: what nodes answer and what clients put into `options` and `outputs`.
///
/// Integers and fractions are told apart, because NodeODM's option rules do (contract, section 6).
public enum JSONValue: Sendable, Equatable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number without fraction or exponent that fits 64 bits.
    case integer(Int64)
    /// Any other number.
    case double(Double)
    /// A text; lone surrogates were replaced by U+FFFD.
    case string(String)
    /// An array.
    case array([JSONValue])
    /// An object; of equal names the last one counts, as in JavaScript.
    case object([JSONMember])
}

/// One name and value of a JSON object.
public struct JSONMember: Sendable, Equatable {
    /// The name.
    public var name: String
    /// The value.
    public var value: JSONValue

    /// Pairs a name with its value.
    public init(name: String, value: JSONValue) {
        self.name = name
        self.value = value
    }
}

extension JSONValue {
    /// Parses a whole text.
    /// - Parameter bytes: UTF-8; invalid sequences inside texts become U+FFFD.
    /// - Throws: ``JSONParseError`` with the place, for people.
    public init(parsing bytes: [UInt8]) throws(JSONParseError) {
        var parser = JSONParser(bytes)
        self = try parser.parse()
    }

    /// Parses a whole text.
    /// - Parameter text: one JSON value, with blanks around it allowed.
    /// - Throws: ``JSONParseError`` with the place, for people.
    public init(parsing text: String) throws(JSONParseError) {
        try self.init(parsing: Array(text.utf8))
    }

    /// The value of a name, where this is an object that has it.
    public subscript(_ name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.name == name }?.value
    }

    /// The members, where this is an object.
    public var members: [JSONMember]? {
        guard case .object(let members) = self else { return nil }
        return members
    }

    /// The elements, where this is an array.
    public var array: [JSONValue]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }

    /// The text, where this is a text.
    public var text: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// The truth value, where this is one.
    public var bool: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    /// A whole number, also where a node wrote it as `5.0`; fractions are cut, what exceeds 64 bits is nil.
    public var integer: Int64? {
        switch self {
        case .integer(let value): value
        case .double(let value): Int64(exactly: value.rounded(.towardZero))
        case .null, .bool, .string, .array, .object: nil
        }
    }

    /// A number of any form.
    public var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .double(let value): value
        case .null, .bool, .string, .array, .object: nil
        }
    }
}
