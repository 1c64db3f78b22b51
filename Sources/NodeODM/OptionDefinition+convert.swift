/// Why one value isn't accepted.
struct OptionRefusal: Error {
    var reason: String
}

extension OptionDefinition {
    /// Converts a value to the option's type and checks its domain.
    func convert(_ value: JSONValue, numbersAreBooleans: Bool) -> Result<OptionValue, OptionRefusal> {
        let converted: OptionValue?
        switch type {
        case .integer: converted = value.leadingInteger.map(OptionValue.integer)
        case .float: converted = value.leadingFloat.map(OptionValue.double)
        case .string, .path, .choice: converted = value.asText.map(OptionValue.string)
        case .bool:
            guard let truth = value.truth(numbersAreBooleans: numbersAreBooleans) else {
                return .failure(OptionRefusal(reason: "Cannot convert \(value.shown) to boolean"))
            }
            converted = .bool(truth)
        }
        guard let converted else {
            return .failure(OptionRefusal(reason: "Invalid value \(value.shown) (out of range)"))
        }
        if let reason = domain.reasonToRefuse(converted) { return .failure(OptionRefusal(reason: reason)) }
        return .success(converted)
    }
}

extension JSONValue {
    /// JavaScript's integers are exact up to 2^53; beyond, a value has no sense for any option.
    private static let maximumInteger: Int64 = 1 << 53

    /// JavaScript's `parseInt`: `"12abc"` → 12, 1.9 → 1; nil is its NaN.
    fileprivate var leadingInteger: Int64? {
        switch self {
        case .integer(let value): return value.magnitude <= Self.maximumInteger ? value : nil
        case .double(let value):
            guard value.magnitude <= Double(Self.maximumInteger) else { return nil }
            return Int64(exactly: value.rounded(.towardZero))
        case .string(let text):
            var number = LeadingNumber(text)
            guard let value = number.integer(), value.magnitude <= Self.maximumInteger else { return nil }
            return value
        case .null, .bool, .array, .object: return nil
        }
    }

    /// JavaScript's `parseFloat`, finite ones only.
    fileprivate var leadingFloat: Double? {
        let value: Double?
        switch self {
        case .integer, .double: value = number
        case .string(let text):
            var number = LeadingNumber(text)
            value = number.float()
        case .null, .bool, .array, .object: value = nil
        }
        return value.flatMap { $0.isFinite ? $0 : nil }
    }

    fileprivate func truth(numbersAreBooleans: Bool) -> Bool? {
        switch self {
        case .bool(let value): value
        case .string("true"), .string("1"): true
        case .string("false"), .string("0"): false
        case .integer(1) where numbersAreBooleans, .double(1) where numbersAreBooleans: true
        case .integer(0) where numbersAreBooleans, .double(0) where numbersAreBooleans: false
        case .integer, .double, .string, .null, .array, .object: nil
        }
    }

    /// Text as it is; numbers and truth values written out, since an engine's command line has only texts.
    fileprivate var asText: String? {
        switch self {
        case .string(let text): text
        case .integer(let value): String(value)
        case .double(let value): value.shortText
        case .bool(let value): value ? "true" : "false"
        case .null, .array, .object: nil
        }
    }

    /// For an error's text.
    fileprivate var shown: String {
        if let asText { return asText.clipped }
        switch self {
        case .array: return "[…]"
        case .object: return "{…}"
        case .null, .bool, .integer, .double, .string: return "null"
        }
    }
}

/// The number at the beginning of a text, as JavaScript's parsers see it: blanks before it and anything behind it.
private struct LeadingNumber {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) {
        // No number that means something is longer; hostile megabytes aren't copied.
        bytes = Array(text.utf8.drop { $0 == 0x20 || (0x09...0x0D).contains($0) }.prefix(400))
    }

    mutating func integer() -> Int64? {
        skipSign()
        guard skipDigits() > 0 else { return nil }
        return Int64(String(decoding: bytes[..<position], as: UTF8.self))
    }

    mutating func float() -> Double? {
        skipSign()
        var digits = skipDigits()
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            digits += skipDigits()
        }
        guard digits > 0 else { return nil }
        skipExponent()
        return Double(String(decoding: bytes[..<position], as: UTF8.self))
    }

    private mutating func skipExponent() {
        guard position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") else { return }
        let start = position
        position += 1
        skipSign()
        if skipDigits() == 0 { position = start }
    }

    private mutating func skipSign() {
        if position < bytes.count, bytes[position] == 0x2B || bytes[position] == 0x2D { position += 1 }
    }

    private mutating func skipDigits() -> Int {
        let start = position
        while position < bytes.count, (0x30...0x39).contains(bytes[position]) { position += 1 }
        return position - start
    }
}
