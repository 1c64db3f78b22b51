internal import CCurl
internal import Glibc

/// Opens sockets for libcurl and reads the addresses it is about to connect to.
enum SocketOpener {
    /// The bytes of an IP address in network order; empty for another family.
    static func bytes(of address: UnsafePointer<curl_sockaddr>) -> [UInt8] {
        guard let offset = MemoryLayout<curl_sockaddr>.offset(of: \.addr) else { return [] }
        // libcurl's real memory is large enough for every family; `addr` is only where it starts.
        let start = UnsafeRawPointer(address) + offset
        switch address.pointee.family {
        case AF_INET: return Array(UnsafeRawBufferPointer(start: start + 4, count: 4))
        case AF_INET6: return Array(UnsafeRawBufferPointer(start: start + 8, count: 16))
        default: return []
        }
    }

    /// A socket that child processes don't inherit; libcurl makes it non-blocking.
    static func open(for address: UnsafePointer<curl_sockaddr>) -> curl_socket_t {
        let closeOnExec: Int32 = 0o2_000_000
        return socket(address.pointee.family, address.pointee.socktype | closeOnExec, address.pointee.protocol)
    }
}
