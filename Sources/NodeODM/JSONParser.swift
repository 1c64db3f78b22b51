/// A strict parser of RFC 8259 texts.
///
/// Hostile text gives an error, never a crash: depth is bounded, no number traps.
struct JSONParser {
    /// Deeper texts are refused: the parser recurses, and nothing in this API is deeper than four.
    static let maximumDepth = 96

    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Parses the one value of the text, and demands its end.
    mutating func parse() throws(JSONParseError) -> JSONValue {
        let value = try parseValue()
        skipBlanks()
        if position < bytes.count { throw unexpected() }
        return value
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func unexpected() -> JSONParseError {
        guard let byte = current else {
            return JSONParseError(.unexpectedEnd, at: position, "Unexpected end of JSON input")
        }
        let shown = (0x21...0x7E).contains(byte) ? String(UnicodeScalar(byte)) : "byte \(byte)"
        let message = "Unexpected token \(shown) in JSON at position \(position)"
        return JSONParseError(.unexpectedByte, at: position, message)
    }

    private mutating func skipBlanks() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func parseValue() throws(JSONParseError) -> JSONValue {
        skipBlanks()
        guard let byte = current else { throw unexpected() }
        switch byte {
        case UInt8(ascii: "{"): return try nested { (parser) throws(JSONParseError) in try parser.parseObject() }
        case UInt8(ascii: "["): return try nested { (parser) throws(JSONParseError) in try parser.parseArray() }
        case UInt8(ascii: "\""): return .string(try parseString())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "-"), 0x30...0x39: return try parseNumber()
        default: throw unexpected()
        }
    }

    private mutating func nested(
        _ body: (inout JSONParser) throws(JSONParseError) -> JSONValue
    ) throws(JSONParseError) -> JSONValue {
        guard depth < Self.maximumDepth else {
            throw JSONParseError(.tooDeep, at: position, "JSON nested too deeply at position \(position)")
        }
        depth += 1
        position += 1
        let value = try body(&self)
        depth -= 1
        return value
    }

    private mutating func literal(_ word: StaticString, _ value: JSONValue) throws(JSONParseError) -> JSONValue {
        for index in 0..<word.utf8CodeUnitCount {
            guard current == word.utf8Start[index] else { throw unexpected() }
            position += 1
        }
        return value
    }

    private mutating func parseArray() throws(JSONParseError) -> JSONValue {
        var elements: [JSONValue] = []
        skipBlanks()
        if take("]") { return .array([]) }
        while true {
            elements.append(try parseValue())
            skipBlanks()
            if take(",") { continue }
            guard take("]") else { throw unexpected() }
            return .array(elements)
        }
    }

    private mutating func parseObject() throws(JSONParseError) -> JSONValue {
        var members: [JSONMember] = []
        skipBlanks()
        if take("}") { return .object([]) }
        while true {
            skipBlanks()
            guard current == UInt8(ascii: "\"") else { throw unexpected() }
            let name = try parseString()
            skipBlanks()
            guard take(":") else { throw unexpected() }
            members.append(JSONMember(name: name, value: try parseValue()))
            skipBlanks()
            if take(",") { continue }
            guard take("}") else { throw unexpected() }
            return .object(members)
        }
    }

    private mutating func take(_ character: UnicodeScalar) -> Bool {
        guard current == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }
}

// MARK: Texts

extension JSONParser {
    private mutating func parseString() throws(JSONParseError) -> String {
        position += 1
        let start = position
        while let byte = current, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { position += 1 }
        if take("\"") { return String(decoding: bytes[start..<(position - 1)], as: UTF8.self) }
        var unescaped = Array(bytes[start..<position])
        while true {
            guard let byte = current, byte >= 0x20 else { throw unexpected() }
            if take("\"") { return String(decoding: unescaped, as: UTF8.self) }
            if byte == UInt8(ascii: "\\") {
                try parseEscape(into: &unescaped)
            } else {
                unescaped.append(byte)
                position += 1
            }
        }
    }

    private mutating func parseEscape(into text: inout [UInt8]) throws(JSONParseError) {
        position += 1
        guard let byte = current else { throw unexpected() }
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            position += 1
            text.append(contentsOf: String(Character(try parseUnicodeEscape())).utf8)
            return
        default: throw unexpected()
        }
        position += 1
    }

    /// Four hexadecimal digits, or a pair of surrogates; a lone one becomes U+FFFD, since UTF-8 can't carry it.
    private mutating func parseUnicodeEscape() throws(JSONParseError) -> UnicodeScalar {
        let unit = try parseFourDigits()
        if let scalar = UnicodeScalar(unit) { return scalar }
        let afterFirst = position
        guard unit < 0xDC00, take("\\"), take("u") else {
            position = afterFirst
            return "\u{FFFD}"
        }
        let low = try parseFourDigits()
        guard (0xDC00...0xDFFF).contains(low) else {
            position = afterFirst
            return "\u{FFFD}"
        }
        return UnicodeScalar(0x10000 + (UInt32(unit & 0x3FF) << 10 | UInt32(low & 0x3FF))) ?? "\u{FFFD}"
    }

    private mutating func parseFourDigits() throws(JSONParseError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = current, let digit = byte.hexadecimalValue else { throw unexpected() }
            unit = unit << 4 | UInt16(digit)
            position += 1
        }
        return unit
    }
}

// MARK: Numbers

extension JSONParser {
    private mutating func parseNumber() throws(JSONParseError) -> JSONValue {
        let start = position
        _ = take("-")
        if !take("0") { try skipDigits() }
        var isWhole = true
        if take(".") {
            isWhole = false
            try skipDigits()
        }
        if take("e") || take("E") {
            isWhole = false
            if !take("+") { _ = take("-") }
            try skipDigits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let value = Int64(text) { return .integer(value) }
        return .double(Double(text) ?? .nan)
    }

    private mutating func skipDigits() throws(JSONParseError) {
        let start = position
        while let byte = current, (0x30...0x39).contains(byte) { position += 1 }
        if position == start { throw unexpected() }
    }
}

extension UInt8 {
    fileprivate var hexadecimalValue: UInt8? {
        switch self {
        case 0x30...0x39: self - 0x30
        case 0x41...0x46: self - 0x37
        case 0x61...0x66: self - 0x57
        default: nil
        }
    }
}
