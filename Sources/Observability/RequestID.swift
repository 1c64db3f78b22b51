/// Names one request in logs and answers: 64 random bits, shown as 16 hexadecimal digits.
public struct RequestID: Sendable, Hashable, CustomStringConvertible {
    /// The bits themselves.
    public let bits: UInt64

    /// Wraps bits that are random enough.
    public init(bits: UInt64) { self.bits = bits }

    /// Appends the 16 digits, without an allocation.
    public func append(to line: inout LogLine) { withDigits { line.bytes.append(contentsOf: $0) } }

    /// The 16 digits.
    public var description: String { withDigits { String(decoding: $0, as: UTF8.self) } }

    private func withDigits<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16) { digits in
            var rest = bits
            for index in stride(from: 15, through: 0, by: -1) {
                let nibble = UInt8(truncatingIfNeeded: rest & 15)
                digits.initializeElement(
                    at: index, to: nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10)
                rest >>= 4
            }
            return body(UnsafeBufferPointer(digits))
        }
    }
}
