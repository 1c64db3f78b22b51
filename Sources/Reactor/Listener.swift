internal import CShims
import Glibc

/// A listening socket of one loop. With `reusePort` every loop has its own, and the kernel spreads the connections.
public final class Listener: EventSource {
    /// Where it listens: with the port that the system chose, where 0 was asked.
    public let localAddress: SocketAddress
    private let loop: EventLoop
    private var descriptor: Int32
    private var isReady = true
    private var waiter: UnsafeContinuation<Void, Never>?

    private init(descriptor: Int32, localAddress: SocketAddress, loop: EventLoop) {
        self.descriptor = descriptor
        self.localAddress = localAddress
        self.loop = loop
    }

    /// Binds and listens.
    /// - Parameters:
    ///   - address: port 0 lets the system choose.
    ///   - loop: whose thread calls this.
    ///   - reusePort: whether other loops bind the same port.
    /// - Returns: the listening socket.
    /// - Throws: `addressInUse`, or `system`.
    public static func bind(
        _ address: SocketAddress, on loop: EventLoop, reusePort: Bool
    ) throws(ReactorError) -> Listener {
        let descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue) | 0o2_004_000, 0)  // NONBLOCK | CLOEXEC
        guard descriptor >= 0 else { throw ReactorError(errno: errno, during: "socket") }
        do throws(ReactorError) {
            var one: Int32 = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, 4)
            if reusePort { setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &one, 4) }
            guard address.withPointer({ Glibc.bind(descriptor, $0, $1) }) == 0 else {
                throw ReactorError(errno: errno, during: "bind \(address)")
            }
            guard listen(descriptor, 4096) == 0 else { throw ReactorError(errno: errno, during: "listen \(address)") }
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout.size(ofValue: storage))
            withUnsafeMutablePointer(to: &storage) {
                _ = $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
            }
            let listener = Listener(descriptor: descriptor, localAddress: SocketAddress(storage) ?? address, loop: loop)
            try loop.register(listener, descriptor: descriptor, events: EPOLLIN.rawValue | EPOLLET.rawValue)
            return listener
        } catch {
            Glibc.close(descriptor)
            throw error
        }
    }

    /// Looks whether an address is free, which `bind` with `reusePort` doesn't tell: the sockets of two programs of one user
    /// would share the port, one that the system chose among them, and each get some of the connections.
    /// - Parameter address: port 0 lets the system choose.
    /// - Returns: the address, with the port that was chosen.
    /// - Throws: `addressInUse`, or `system`.
    public static func free(_ address: SocketAddress) throws(ReactorError) -> SocketAddress {
        let descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue) | 0o2_004_000, 0)  // NONBLOCK | CLOEXEC
        guard descriptor >= 0 else { throw ReactorError(errno: errno, during: "socket") }
        defer { Glibc.close(descriptor) }
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, 4)
        guard address.withPointer({ Glibc.bind(descriptor, $0, $1) }) == 0 else {
            throw ReactorError(errno: errno, during: "bind \(address)")
        }
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout.size(ofValue: storage))
        withUnsafeMutablePointer(to: &storage) {
            _ = $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return SocketAddress(storage) ?? address
    }

    /// Waits for the next connection.
    /// - Throws: `closed` after `close()`; `system` when the process has no descriptor left: pause, then go on.
    public func accept() async throws(ReactorError) -> StreamSocket {
        while true {
            guard descriptor >= 0 else { throw .closed }
            guard isReady else {
                await withUnsafeContinuation { waiter = $0 }
                continue
            }
            let accepted = shim_accept(descriptor, nil, nil)
            if accepted >= 0 { return StreamSocket(adopting: accepted, on: loop) }
            switch errno {
            case EAGAIN: isReady = false
            case EINTR, ECONNABORTED: continue
            default: throw ReactorError(errno: errno, during: "accept")
            }
        }
    }

    /// Stops listening; who waits in `accept` gets `closed`.
    public func close() {
        guard descriptor >= 0 else { return }
        loop.unregister(self, descriptor: descriptor)
        Glibc.close(descriptor)
        descriptor = -1
        resume()
    }

    override func ready(_ events: UInt32) {
        isReady = true
        resume()
    }

    private func resume() {
        let waiter = waiter
        self.waiter = nil
        waiter?.resume()
    }
}
