/// Names one request in logs and answers: 64 random bits, shown as 16 hexadecimal digits.
public struct RequestID: Sendable, Hashable, CustomStringConvertible {
    /// The bits themselves.
    public let bits: UInt64

    /// Wraps bits that are random enough.
    public init(bits: UInt64) { self.bits = bits }

    /// Appends the 16 digits, without an allocation.
    public func append(to line: inout LogLine) { withUnsafeBytes(of: digits) { line.bytes.append(contentsOf: $0) } }

    /// The 16 digits.
    public var description: String { withUnsafeBytes(of: digits) { String(decoding: $0, as: UTF8.self) } }

    /// The 16 digits, in the order in which they lie in memory.
    var digits: (UInt64, UInt64) {
        (Self.digits(of: UInt32(bits >> 32)), Self.digits(of: UInt32(truncatingIfNeeded: bits)))
    }

    /// Eight digits at once: each nibble gets a byte of its own, and all become characters together.
    private static func digits(of number: UInt32) -> UInt64 {
        var nibbles = UInt64(number)
        nibbles = (nibbles | nibbles << 16) & 0x0000_FFFF_0000_FFFF
        nibbles = (nibbles | nibbles << 8) & 0x00FF_00FF_00FF_00FF
        nibbles = (nibbles | nibbles << 4) & 0x0F0F_0F0F_0F0F_0F0F
        // 1 where it is 10 or more, and a letter.
        let letters = (nibbles + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        let toLetter = UInt64(UInt8(ascii: "a") - UInt8(ascii: "0") - 10)
        return (nibbles + 0x3030_3030_3030_3030 + letters * toLetter).bigEndian
    }
}
