import Glibc
import Reactor
import TestSupport

/// A line to a real server whose connections are reset after some bytes, again and again.
struct FlakyLine {
    private let server: ScriptedServer

    /// Where clients connect to.
    var url: String { "http://127.0.0.1:\(server.address.port)" }

    /// A line on a loop, whose thread calls this.
    /// - Parameters:
    ///   - loop: carries the bytes.
    ///   - port: of the server behind it, on 127.0.0.1.
    ///   - bytes: after how many, either way together, a connection breaks, by its number.
    /// - Throws: where it can't listen.
    init(on loop: EventLoop, to port: UInt16, breakingAfter bytes: @escaping @Sendable (Int) -> Int) throws {
        server = try ScriptedServer(on: loop) { client, number in
            guard let address = SocketAddress(ip: "127.0.0.1", port: port) else { return }
            let upstream = try await StreamSocket.connect(to: address, on: loop, deadline: nil)
            let relay = LoopBound(Relay(client: client, upstream: upstream, allowance: bytes(number)))
            async let back: Void = relay.value.down()
            await relay.value.up()
            await back
        }
    }

    func stop() { server.stop() }

    /// One connection.
    private final class Relay {
        private let client: ScriptedConnection
        private let upstream: StreamSocket
        private var allowance: Int

        init(client: ScriptedConnection, upstream: StreamSocket, allowance: Int) {
            self.client = client
            self.upstream = upstream
            self.allowance = allowance
        }

        func up() async { await carry(from: client.socket, to: upstream) }
        func down() async { await carry(from: upstream, to: client.socket) }

        /// Until either side ends, or the allowance is used up.
        private func carry(from source: StreamSocket, to target: StreamSocket) async {
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
            defer { memory.deallocate() }
            while let count = try? await source.receive(into: memory), count > 0 {
                allowance -= count
                guard allowance > 0 else { break }
                guard (try? await target.send(UnsafeRawBufferPointer(rebasing: memory[..<count]))) != nil else { break }
            }
            if allowance <= 0 { client.reset() } else { client.close() }
            upstream.close()
        }
    }
}
