internal import Reactor

/// A block of addresses such as `10.0.0.0/8` or `fd00::/8`.
public struct AddressBlock: Sendable, Hashable {
    private let bytes: [UInt8]
    private let length: Int

    /// Parses `address/length`, or one address; nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = SocketAddress(ip: String(first), port: 0) else { return nil }
        bytes = address.bytes
        guard parts.count == 2 else {
            length = bytes.count * 8
            return
        }
        guard let length = Int(parts[1]), (0...bytes.count * 8).contains(length) else { return nil }
        self.length = length
    }

    init(_ bytes: [UInt8], _ length: Int) {
        self.bytes = bytes
        self.length = length
    }

    /// Whether an address lies in it.
    /// - Parameter address: 4 or 16 bytes in network order.
    /// - Returns: false for an address of the other family.
    public func contains(_ address: [UInt8]) -> Bool {
        guard address.count == bytes.count else { return false }
        for index in bytes.indices {
            let bits = min(max(length - index * 8, 0), 8)
            let mask = UInt8(truncatingIfNeeded: 0xFF00 >> bits)
            guard address[index] & mask == bytes[index] & mask else { return false }
        }
        return true
    }
}
