/// Keeps requests whose URL a stranger chose away from our own network.
///
/// It looks at the address that is really connected to, after DNS and after each redirect, so neither a name that points
/// inward nor one that changes its mind gets by.
public struct OutboundGuard: Sendable {
    private let allowed: [AddressBlock]

    /// A guard.
    /// - Parameter allowed: blocks that are reachable though they are not public.
    public init(allowing allowed: [AddressBlock] = []) { self.allowed = allowed }

    /// Whether an address may be connected to: it is public unicast, or allowed.
    /// - Parameter address: 4 or 16 bytes in network order.
    /// - Returns: false for everything that isn't an IP address, too.
    public func permits(_ address: [UInt8]) -> Bool {
        if allowed.contains(where: { $0.contains(address) }) { return true }
        if address.count == 4 { return !Self.closedIPv4.contains { $0.contains(address) } }
        guard address.count == 16 else { return false }
        if let inner = Self.embeddedIPv4(address) { return permits(inner) }
        // Only 2000::/3 is public unicast; the rest is loopback, private, link-local, multicast or unassigned.
        return address[0] & 0xE0 == 0x20 && !Self.closedIPv6.contains { $0.contains(address) }
    }

    /// The IPv4 address that an IPv6 one leads to: mapped, compatible, NAT64 and 6to4.
    private static func embeddedIPv4(_ address: [UInt8]) -> [UInt8]? {
        let isZero = address[..<10].allSatisfy { $0 == 0 }
        if isZero, address[10] == 0xFF, address[11] == 0xFF { return Array(address[12...]) }
        if isZero, address[10] == 0, address[11] == 0 { return Array(address[12...]) }
        if Self.translated.contains(address) { return Array(address[12...]) }
        if address[0] == 0x20, address[1] == 0x02 { return Array(address[2..<6]) }
        return nil
    }

    /// 64:ff9b::/96 (RFC 6052).
    private static let translated = AddressBlock([0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 96)

    /// The IANA special-purpose registry, what isn't globally reachable; 169.254/16 has the clouds' metadata services.
    private static let closedIPv4 = [
        AddressBlock([0, 0, 0, 0], 8), AddressBlock([10, 0, 0, 0], 8), AddressBlock([100, 64, 0, 0], 10),
        AddressBlock([127, 0, 0, 0], 8), AddressBlock([169, 254, 0, 0], 16), AddressBlock([172, 16, 0, 0], 12),
        AddressBlock([192, 0, 0, 0], 24), AddressBlock([192, 0, 2, 0], 24), AddressBlock([192, 88, 99, 0], 24),
        AddressBlock([192, 168, 0, 0], 16), AddressBlock([198, 18, 0, 0], 15), AddressBlock([198, 51, 100, 0], 24),
        AddressBlock([203, 0, 113, 0], 24), AddressBlock([224, 0, 0, 0], 4), AddressBlock([240, 0, 0, 0], 4),
    ]

    /// Within 2000::/3: Teredo and other protocol assignments, documentation.
    private static let closedIPv6 = [
        AddressBlock([0x20, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 23),
        AddressBlock([0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 32),
        AddressBlock([0x3F, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 20),
    ]
}
