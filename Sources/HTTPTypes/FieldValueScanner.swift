/// Walks a field value made of tokens, quoted strings and parameters (RFC 9110 §5.6).
struct FieldValueScanner {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skip(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        position += 1
        return true
    }

    mutating func skipBlanks() {
        while let byte = current, byte == ASCII.space || byte == ASCII.tab { position += 1 }
    }

    /// The token that starts here, after blanks; nil when there is none.
    mutating func token() -> String? {
        skipBlanks()
        let start = position
        while let byte = current, ASCII.isToken(byte) { position += 1 }
        return position > start ? String(decoding: bytes[start..<position], as: UTF8.self) : nil
    }

    // A parameter that is broken is skipped up to the next `;`.
    mutating func parameters() -> [FieldParameter] {
        var found: [FieldParameter] = []
        skipBlanks()
        while current != nil {
            if skip(ASCII.semicolon) {
                if let name = token(), skip(ASCII.equals), let value = value() {
                    found.append(FieldParameter(name: ASCII.lowercased(name), value: value))
                }
            } else {
                position += 1
            }
            skipBlanks()
        }
        return found
    }

    private mutating func value() -> String? {
        guard current == ASCII.quote else { return unquoted() }
        position += 1
        var value: [UInt8] = []
        while let byte = current, byte != ASCII.quote {
            position += 1
            // Only quotes and backslashes count as escaped: old browsers send `C:\photos\a.jpg` unescaped.
            if byte == ASCII.backslash, let next = current, next == ASCII.quote || next == ASCII.backslash {
                value.append(next)
                position += 1
            } else {
                value.append(byte)
            }
        }
        guard skip(ASCII.quote) else { return nil }
        return String(decoding: value, as: UTF8.self)
    }

    /// Wider than a token: clients send boundaries and names with `/` or UTF-8 without quoting them.
    private mutating func unquoted() -> String? {
        let start = position
        while let byte = current, byte != ASCII.semicolon, byte != ASCII.space, byte != ASCII.tab { position += 1 }
        return position > start ? String(decoding: bytes[start..<position], as: UTF8.self) : nil
    }
}
