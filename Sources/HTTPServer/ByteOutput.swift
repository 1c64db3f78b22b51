import HTTPTypes

extension Array where Element == UInt8 {
    /// Appends a text known when the program is written.
    mutating func appendText(_ text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

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
        !isEmpty
            && (contains(.contentLength) || contains(.transferEncoding) || contains(.connection) || contains(.date)
                || contains(.keepAlive))
    }

    /// True for the names that `hasFraming` looks for.
    static func isFraming(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        for framing in ["content-length", "transfer-encoding", "connection", "date", "keep-alive"] as [StaticString] {
            let wanted = UnsafeBufferPointer(start: framing.utf8Start, count: framing.utf8CodeUnitCount)
            if ASCII.equalIgnoringCase(name, wanted) { return true }
        }
        return false
    }
}
