import Glibc

/// Bytes and byte classes of HTTP's grammar, so that parsers read like the RFCs and not like number tables.
public enum ASCII {
    /// Horizontal tab.
    public static let tab: UInt8 = 0x09
    /// Line feed.
    public static let lineFeed: UInt8 = 0x0A
    /// Carriage return.
    public static let carriageReturn: UInt8 = 0x0D
    /// Space.
    public static let space: UInt8 = 0x20
    /// `:`.
    public static let colon: UInt8 = 0x3A
    /// `;`.
    public static let semicolon: UInt8 = 0x3B
    /// `,`.
    public static let comma: UInt8 = 0x2C
    /// `"`.
    public static let quote: UInt8 = 0x22
    /// `\`.
    public static let backslash: UInt8 = 0x5C
    /// `/`.
    public static let slash: UInt8 = 0x2F
    /// `?`.
    public static let question: UInt8 = 0x3F
    /// `&`.
    public static let ampersand: UInt8 = 0x26
    /// `=`.
    public static let equals: UInt8 = 0x3D
    /// `%`.
    public static let percent: UInt8 = 0x25
    /// `+`.
    public static let plus: UInt8 = 0x2B
    /// `-`.
    public static let hyphen: UInt8 = 0x2D
    /// `0`.
    public static let zero: UInt8 = 0x30

    /// The byte with A–Z mapped to a–z; every other byte unchanged.
    @inlinable
    public static func lowercased(_ byte: UInt8) -> UInt8 {
        byte &- 0x41 < 26 ? byte | 0x20 : byte
    }

    /// True for `0`…`9`.
    @inlinable
    public static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    /// The value of a hexadecimal digit, nil for another byte.
    @inlinable
    public static func hexValue(_ byte: UInt8) -> UInt8? {
        if byte &- 0x30 < 10 { return byte &- 0x30 }
        let letter = (byte | 0x20) &- 0x61
        return letter < 6 ? letter &+ 10 : nil
    }

    /// True for the characters of a token: names of methods, fields, parameters (RFC 9110 §5.6.2).
    @inlinable
    public static func isToken(_ byte: UInt8) -> Bool {
        byte < 128 && ((byte < 64 ? tokenLow : tokenHigh) &>> UInt64(byte & 63)) & 1 != 0
    }

    /// True for what a field value may hold: tab, visible characters, blanks and bytes above 127 (RFC 9110 §5.5).
    @inlinable
    public static func isFieldValue(_ byte: UInt8) -> Bool { byte >= 0x20 ? byte != 0x7F : byte == tab }

    /// True for what a request target may hold: visible characters.
    ///
    /// Bytes above 127 aren't in the grammar, but clients send raw UTF-8 in paths and every server takes it.
    @inlinable
    public static func isTarget(_ byte: UInt8) -> Bool { byte > 0x20 && byte != 0x7F }

    /// Whether all of these may stand in a field value.
    public static func areFieldValue(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        !bytes.hasAny { (bit($0 < 0x20) & bit($0 != tab)) | bit($0 == 0x7F) }
    }

    /// Whether the lines of a head have no control character but tabs, and the CRLF at their ends.
    ///
    /// One look over a whole head, in the place of one over each value.
    /// - Parameter bytes: the last of them is a line feed. That others have their carriage return before them is another's to check.
    /// - Returns: true for lines that may be split.
    public static func areHeadLines(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let baseAddress = bytes.baseAddress, bytes[bytes.count - 1] == lineFeed else { return false }
        var stranger: UInt8 = 0
        for index in 0..<bytes.count - 1 {
            let (byte, next) = (baseAddress[index], baseAddress[index + 1])
            let isReturn = bit(byte == carriageReturn)
            let isAllowed = bit(byte >= 0x20) & bit(byte != 0x7F) | bit(byte == tab) | bit(byte == lineFeed)
            stranger |= (1 ^ (isAllowed | isReturn)) | (isReturn & bit(next != lineFeed))
        }
        return stranger == 0
    }

    /// Whether all of these may stand in a request target.
    public static func areTarget(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        !bytes.hasAny { bit($0 <= space) | bit($0 == 0x7F) }
    }

    /// 1 for true: what tests without branches are made of.
    @inlinable @inline(__always)
    public static func bit(_ truth: Bool) -> UInt8 { truth ? 1 : 0 }

    // Bits of ! # $ % & ' * + - . and the digits.
    @usableFromInline static let tokenLow: UInt64 = 0x03FF_6CFA_0000_0000
    /// Bits of the letters and ^ _ ` | ~ (bit = code − 64).
    @usableFromInline static let tokenHigh: UInt64 = 0x57FF_FFFF_C7FF_FFFE

    /// Compares without regard to the case of A–Z.
    @inlinable
    public static func equalIgnoringCase(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>)
        -> Bool
    {
        guard left.count == right.count else { return false }
        for index in 0..<left.count where left[index] != right[index] {
            guard lowercased(left[index]) == lowercased(right[index]) else { return false }
        }
        return true
    }

    /// Whether bytes spell a word that is written in lower case, without regard to the case of the bytes.
    @inlinable
    public static func spells(_ bytes: UnsafeBufferPointer<UInt8>, _ lowercase: StaticString) -> Bool {
        guard bytes.count == lowercase.utf8CodeUnitCount else { return false }
        let word = lowercase.utf8Start
        for index in 0..<bytes.count where lowercased(bytes[index]) != word[index] { return false }
        return true
    }

    /// Compares a text with a literal without regard to the case of A–Z.
    @inlinable
    public static func equalIgnoringCase(_ left: some StringProtocol, _ right: some StringProtocol) -> Bool {
        left.utf8.count == right.utf8.count
            && zip(left.utf8, right.utf8).allSatisfy { lowercased($0) == lowercased($1) }
    }

    /// The text with A–Z mapped to a–z.
    public static func lowercased(_ text: some StringProtocol) -> String { lowercased(String(text)) }

    /// The whole text with A–Z mapped to a–z.
    public static func lowercased(_ text: String) -> String {
        var text = text
        return text.withUTF8 { bytes in
            String(unsafeUninitializedCapacity: bytes.count) { place in
                for index in 0..<bytes.count { place.initializeElement(at: index, to: lowercased(bytes[index])) }
                return bytes.count
            }
        }
    }

    /// The range of `text` without blanks and tabs at both ends.
    public static func trimmed(_ text: Substring) -> Substring {
        var bytes = text.utf8[...]
        while let first = bytes.first, first == space || first == tab { bytes.removeFirst() }
        while let last = bytes.last, last == space || last == tab { bytes.removeLast() }
        return Substring(bytes)
    }
}

extension Array where Element == UInt8 {
    /// Appends a text known when the program is written.
    @inlinable
    public mutating func appendText(_ text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends a non-negative number in decimal without making a text of it.
    public mutating func appendDecimal(_ number: Int64) {
        precondition(number >= 0, "lengths and codes of HTTP are not negative")
        if number < 10 {
            append(ASCII.zero + UInt8(truncatingIfNeeded: number))
            return
        }
        // The digits come from the right; 19 are the most that 64 bits need.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 19) { digits in
            var rest = UInt64(number)
            var start = digits.count
            while rest > 0 {
                start -= 1
                digits.initializeElement(at: start, to: ASCII.zero + UInt8(truncatingIfNeeded: rest % 10))
                rest /= 10
            }
            append(contentsOf: UnsafeBufferPointer(rebasing: digits[start...]))
        }
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// Where a byte comes first; `memchr` looks at many at once.
    /// - Parameters:
    ///   - byte: what is looked for.
    ///   - start: where the search begins.
    /// - Returns: nil where it doesn't come any more.
    public func position(of byte: UInt8, from start: Int = 0) -> Int? {
        guard start < count, let baseAddress,
            let found = memchr(baseAddress + start, Int32(byte), count - start)
        else { return nil }
        return UnsafeRawPointer(found) - UnsafeRawPointer(baseAddress)
    }

    /// Whether there is a byte of some kind among these.
    ///
    /// `test` answers 1 or 0 without a branch, and the loop has no way out: of such a one the compiler makes one that takes sixteen
    /// bytes at a time, which is four times as fast for a path.
    @inlinable @inline(__always)
    public func hasAny(_ test: (UInt8) -> UInt8) -> Bool {
        guard let baseAddress else { return false }
        var found: UInt8 = 0
        for index in 0..<count { found |= test(baseAddress[index]) }
        return found != 0
    }

    /// Whether a byte is among these.
    func holds(_ byte: UInt8) -> Bool { position(of: byte) != nil }

    /// Whether these are the same bytes.
    func equals(_ other: UnsafeBufferPointer<UInt8>) -> Bool {
        guard count == other.count else { return false }
        guard let left = baseAddress, let right = other.baseAddress else { return true }
        return memcmp(left, right, count) == 0
    }
}
