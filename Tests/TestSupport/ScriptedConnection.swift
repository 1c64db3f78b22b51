import Glibc
public import Reactor

/// One side of a connection that does exactly what a test says, rudely if need be.
public final class ScriptedConnection {
    /// The socket under it.
    public let socket: StreamSocket
    private var unread: [UInt8] = []

    /// Drives a socket.
    public init(_ socket: StreamSocket) { self.socket = socket }

    /// A connected pair over loopback, both ends on the loop.
    public static func pair(on loop: EventLoop) async throws -> (ScriptedConnection, ScriptedConnection) {
        let listener = try Listener.bind(loopback, on: loop, reusePort: true)
        defer { listener.close() }
        let client = try await StreamSocket.connect(to: listener.localAddress, on: loop, deadline: nil)
        return (ScriptedConnection(client), ScriptedConnection(try await listener.accept()))
    }

    /// 127.0.0.1 with a port of the system's choice.
    public static var loopback: SocketAddress {
        get throws {
            guard let address = SocketAddress(ip: "127.0.0.1", port: 0) else {
                throw ReactorError(.resolve, "127.0.0.1 is no address")
            }
            return address
        }
    }

    /// Sends all of a text.
    public func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    /// Sends all bytes.
    public func send(_ bytes: [UInt8]) async throws {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
        defer { memory.deallocate() }
        memory.copyBytes(from: bytes)
        try await socket.send(UnsafeRawBufferPointer(memory))
    }

    /// Reads a head, up to and with the empty line; nil when the peer ended before one began.
    public func readHead() async throws -> String? {
        let mark = Array("\r\n\r\n".utf8)
        while true {
            if let end = unread.indices.first(where: { unread[$0...].starts(with: mark) }) {
                let head = String(decoding: unread[..<(end + 4)], as: UTF8.self)
                unread.removeFirst(end + 4)
                return head
            }
            guard try await more() else { return nil }
        }
    }

    /// Reads so many bytes, fewer only at the peer's end.
    public func read(_ count: Int) async throws -> [UInt8] {
        while unread.count < count, try await more() {}
        let taken = Array(unread.prefix(count))
        unread.removeFirst(taken.count)
        return taken
    }

    /// Reads until the peer's end, or until the connection breaks.
    public func readToEnd() async -> [UInt8] {
        do { while try await more() {} } catch {}
        defer { unread = [] }
        return unread
    }

    private func more() async throws -> Bool {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
        defer { memory.deallocate() }
        let count = try await socket.receive(into: memory)
        unread.append(contentsOf: memory[..<count])
        return count > 0
    }

    /// Closes in order.
    public func close() { socket.close() }

    /// Resets the connection instead of closing it in order.
    public func reset() {
        var abort = linger(l_onoff: 1, l_linger: 0)
        setsockopt(socket.descriptor, SOL_SOCKET, SO_LINGER, &abort, socklen_t(MemoryLayout<linger>.size))
        socket.close()
    }

    /// Suspends until the peer closes or breaks the connection.
    public func untilPeerCloses() async { _ = await readToEnd() }
}
