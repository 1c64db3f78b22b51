/// A range of IP addresses: `10.0.0.0/8`, `fd00::/8`, or one address.
public struct Network: Sendable, Hashable, CustomStringConvertible {
    /// As the file spells it.
    public let description: String
    private let bytes: [UInt8]
    private let bits: Int

    /// Parses CIDR notation; nil where it isn't that, or where bits beyond the prefix are set.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let bytes = HostText.address(String(first)) else { return nil }
        var bits = bytes.count * 8
        if parts.count > 1 {
            let digits = parts[1]
            guard digits.utf8.count <= 3, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(digits), number <= bits
            else { return nil }
            bits = number
        }
        for (index, byte) in bytes.enumerated() where byte & ~Self.mask(of: index, bits: bits) != 0 { return nil }
        description = text
        self.bytes = bytes
        self.bits = bits
    }

    /// Whether an IP address lies in it; false for any other text.
    public func contains(_ address: String) -> Bool {
        guard let other = HostText.address(address), other.count == bytes.count else { return false }
        for index in bytes.indices where (bytes[index] ^ other[index]) & Self.mask(of: index, bits: bits) != 0 {
            return false
        }
        return true
    }

    /// The bits of the byte at an index that belong to the prefix.
    private static func mask(of index: Int, bits: Int) -> UInt8 {
        let count = min(8, max(0, bits - index * 8))
        return UInt8(truncatingIfNeeded: 0xFF00 >> count)
    }
}
