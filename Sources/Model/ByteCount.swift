/// A number of bytes.
public struct ByteCount: Hashable, Comparable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    /// The number itself, ≥ 0 wherever it was measured.
    public var bytes: Int64

    /// Wraps a number of bytes.
    public init(_ bytes: Int64) { self.bytes = bytes }
    /// Wraps a literal number of bytes.
    public init(integerLiteral value: Int64) { bytes = value }

    /// So many × 1024 bytes.
    public static func kibibytes(_ count: Int64) -> ByteCount { ByteCount(count << 10) }
    /// So many × 1024² bytes.
    public static func mebibytes(_ count: Int64) -> ByteCount { ByteCount(count << 20) }
    /// So many × 1024³ bytes.
    public static func gibibytes(_ count: Int64) -> ByteCount { ByteCount(count << 30) }

    /// By size.
    public static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }
    /// The sum.
    public static func + (left: ByteCount, right: ByteCount) -> ByteCount { ByteCount(left.bytes + right.bytes) }

    /// For people: `1.5 GiB`.
    public var description: String {
        var value = Double(bytes)
        var unit = 0
        while value >= 1024, unit < Self.units.count - 1 {
            value /= 1024
            unit += 1
        }
        if unit == 0 { return "\(bytes) B" }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) \(Self.units[unit])"
    }

    private static let units = ["B", "KiB", "MiB", "GiB", "TiB"]
}
