import CSSL

/// Comparisons of secrets: their time tells nothing about where two values differ.
public enum ConstantTime {
    /// Whether two byte strings are equal.
    ///
    /// Lengths are no secret: different ones answer at once.
    public static func equal(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        guard left.count == right.count else { return false }
        guard let first = left.baseAddress, let second = right.baseAddress else { return left.isEmpty }
        return CRYPTO_memcmp(first, second, left.count) == 0
    }

    /// Whether two byte strings are equal.
    ///
    /// Lengths are no secret: different ones answer at once.
    public static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.withUnsafeBytes { first in right.withUnsafeBytes { second in equal(first, second) } }
    }

    /// Whether two texts have the same bytes.
    ///
    /// A text's length isn't kept secret; hash both sides where it is one.
    public static func equal(_ left: String, _ right: String) -> Bool { equal(Array(left.utf8), Array(right.utf8)) }
}
