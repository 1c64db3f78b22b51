import HTTPTypes

extension Array where Element == UInt8 {
    /// Appends a non-negative number in hexadecimal.
    mutating func appendHexadecimal(_ number: Int) {
        var shift = (Int.bitWidth - 1 - Swift.max(1, number).leadingZeroBitCount) / 4 * 4
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: number >> shift & 15)
            append(digit < 10 ? ASCII.zero + digit : UInt8(ascii: "a") + digit - 10)
            shift -= 4
        }
    }
}

extension HTTPFields {
    /// True when a handler set a field that only the server may set.
    var hasFraming: Bool {
        containsName { Self.isFraming($0) }
    }

    /// True for the names that `hasFraming` looks for.
    static func isFraming(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        switch name.count {
        case 4: ASCII.spells(name, "date")
        case 10: ASCII.spells(name, "connection") || ASCII.spells(name, "keep-alive")
        case 14: ASCII.spells(name, "content-length")
        case 17: ASCII.spells(name, "transfer-encoding")
        default: false
        }
    }
}
