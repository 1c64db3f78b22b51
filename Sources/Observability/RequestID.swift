/// Names one request in logs and answers: 64 random bits, shown as 16 hexadecimal digits.
public struct RequestID: Sendable, Hashable, CustomStringConvertible {
    /// The bits themselves.
    public let bits: UInt64

    /// Wraps bits that are random enough.
    public init(bits: UInt64) { self.bits = bits }

    /// Appends the 16 digits, without an allocation.
    public func append(to line: inout LogLine) { appendDigits { line.bytes.append($0) } }

    /// The 16 digits.
    public var description: String {
        var digits: [UInt8] = []
        appendDigits { digits.append($0) }
        return String(decoding: digits, as: UTF8.self)
    }

    private func appendDigits(_ append: (UInt8) -> Void) {
        for shift in stride(from: UInt64(60), through: 0, by: -4) {
            let nibble = UInt8(truncatingIfNeeded: bits >> shift & 15)
            append(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10)
        }
    }
}
