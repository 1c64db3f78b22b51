internal import CShims
import Glibc

/// An IPv4 or IPv6 address with a port.
public struct SocketAddress: Sendable, Hashable, CustomStringConvertible {
    /// 4 or 16 bytes, in network order.
    public let bytes: [UInt8]
    /// The port.
    public var port: UInt16
    private let scope: UInt32

    /// Parses a numeric address.
    /// - Parameters:
    ///   - ip: `192.0.2.1` or `2001:db8::1`, without brackets; anything else gives nil.
    ///   - port: 0 lets the system choose when bound.
    public init?(ip: String, port: UInt16) {
        var v4 = in_addr()
        var v6 = in6_addr()
        if inet_pton(AF_INET, ip, &v4) == 1 {
            bytes = withUnsafeBytes(of: v4) { Array($0) }
        } else if inet_pton(AF_INET6, ip, &v6) == 1 {
            bytes = withUnsafeBytes(of: v6) { Array($0) }
        } else {
            return nil
        }
        self.port = port
        scope = 0
    }

    /// Reads what the system filled in; nil for other families.
    init?(_ storage: sockaddr_storage) {
        var storage = storage
        let parsed: (bytes: [UInt8], port: UInt16, scope: UInt32)? = withUnsafePointer(to: &storage) { pointer in
            switch Int32(pointer.pointee.ss_family) {
            case AF_INET:
                pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { address in
                    (withUnsafeBytes(of: address.pointee.sin_addr) { Array($0) }, address.pointee.sin_port, 0)
                }
            case AF_INET6:
                pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { address in
                    let bytes = withUnsafeBytes(of: address.pointee.sin6_addr) { Array($0) }
                    return (bytes, address.pointee.sin6_port, address.pointee.sin6_scope_id)
                }
            default: nil
            }
        }
        guard let parsed else { return nil }
        bytes = parsed.bytes
        port = UInt16(bigEndian: parsed.port)
        scope = parsed.scope
    }

    /// Looks a host up, off the loops.
    /// - Parameters:
    ///   - host: a name or a numeric address.
    ///   - port: copied into each answer.
    ///   - pool: where the blocking look-up runs.
    /// - Returns: at least one address.
    /// - Throws: `resolve` when the name has no address.
    public static func resolve(
        host: String, port: UInt16, pool: BlockingPool
    ) async throws(ReactorError) -> [SocketAddress] {
        if let literal = SocketAddress(ip: host, port: port) { return [literal] }
        let found = try? await pool.run { lookUp(host: host, port: port) }
        guard let found, !found.isEmpty else { throw ReactorError(.resolve, "\(host) has no address") }
        return found
    }

    private static func lookUp(host: String, port: UInt16) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0, let list else { return [] }
        defer { freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var next: UnsafeMutablePointer<addrinfo>? = list
        while let entry = next {
            var storage = sockaddr_storage()
            let length = min(Int(entry.pointee.ai_addrlen), MemoryLayout.size(ofValue: storage))
            memcpy(&storage, entry.pointee.ai_addr, length)
            if var address = SocketAddress(storage) {
                address.port = port
                found.append(address)
            }
            next = entry.pointee.ai_next
        }
        return found
    }

    /// Whether it is an IPv4 address.
    public var isIPv4: Bool { bytes.count == 4 }

    var family: Int32 { isIPv4 ? AF_INET : AF_INET6 }

    /// Lends the address in the system's form.
    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Result) rethrows -> Result {
        var storage = sockaddr_storage()
        let length = isIPv4 ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
        return try withUnsafeMutablePointer(to: &storage) { pointer in
            if isIPv4 {
                pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { address in
                    address.pointee.sin_family = sa_family_t(AF_INET)
                    address.pointee.sin_port = port.bigEndian
                    withUnsafeMutableBytes(of: &address.pointee.sin_addr) { $0.copyBytes(from: bytes) }
                }
            } else {
                pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { address in
                    address.pointee.sin6_family = sa_family_t(AF_INET6)
                    address.pointee.sin6_port = port.bigEndian
                    address.pointee.sin6_scope_id = scope
                    withUnsafeMutableBytes(of: &address.pointee.sin6_addr) { $0.copyBytes(from: bytes) }
                }
            }
            return try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { try body($0, socklen_t(length)) }
        }
    }

    /// The numeric address without the port.
    public var ip: String {
        var text = [CChar](repeating: 0, count: 64)
        _ = bytes.withUnsafeBytes { inet_ntop(family, $0.baseAddress, &text, 64) }
        return text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    }

    /// `192.0.2.1:80` or `[2001:db8::1]:80`.
    public var description: String { isIPv4 ? "\(ip):\(port)" : "[\(ip)]:\(port)" }
}
