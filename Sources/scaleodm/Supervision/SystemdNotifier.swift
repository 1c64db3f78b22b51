internal import CShims
import Glibc
internal import Reactor

/// Tells the service manager how the program is, by the protocol of sd_notify(3): a datagram to the socket that NOTIFY_SOCKET names.
///
/// Messages are few, so each opens its own socket; none of them is waited for.
struct SystemdNotifier: Sendable {
    /// Bytes of the address behind its family: a path, or a name that begins with a zero byte.
    private let path: [UInt8]

    /// The longest address, with its closing zero.
    private static let limit = 108

    /// Nil where nobody listens, or the address is of another kind (vsock).
    /// - Parameter variable: the value of NOTIFY_SOCKET: a path, or `@` and an abstract name.
    init?(_ variable: String?) {
        guard let variable else { return nil }
        var path = Array(variable.utf8)
        guard path.count > 1, path.count < Self.limit, !path.contains(0) else { return nil }
        switch path[0] {
        case UInt8(ascii: "/"): break
        case UInt8(ascii: "@"): path[0] = 0
        default: return nil
        }
        self.path = path
    }

    /// The start is over.
    @discardableResult
    func ready(_ status: String) -> Bool { send(["READY=1", "STATUS=\(status)"]) }

    /// What the program does now, for `systemctl status`.
    @discardableResult
    func status(_ status: String) -> Bool { send(["STATUS=\(status)"]) }

    /// The inventory is being read anew; `ready` says that this is over.
    @discardableResult
    func reloading(at now: MonotonicTime = .now()) -> Bool {
        send(["RELOADING=1", "MONOTONIC_USEC=\(now.nanoseconds / 1000)"])
    }

    /// The end has begun.
    @discardableResult
    func stopping(_ status: String) -> Bool { send(["STOPPING=1", "STATUS=\(status)"]) }

    /// A sign of life.
    @discardableResult
    func watchdog() -> Bool { send(["WATCHDOG=1"]) }

    /// - Returns: whether the message was taken.
    private func send(_ assignments: [String]) -> Bool {
        // A line break would begin another assignment.
        let text = assignments.map { $0.replacing("\n", with: " ") }.joined(separator: "\n")
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        // An abstract name ends with the address; a path with a zero, which is there already.
        let length = MemoryLayout.offset(of: \sockaddr_un.sun_path).map { $0 + path.count + (path[0] == 0 ? 0 : 1) }
        let bytes = Array(text.utf8)
        let sent = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                sendto(
                    descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT), pointer,
                    socklen_t(length ?? 0))
            }
        }
        return sent == bytes.count
    }
}
