import Glibc
import Reactor
import TestSupport
import Testing

@Suite("Stream sockets")
struct StreamSocketTests {
    private static let loopback = SocketAddress(ip: "127.0.0.1", port: 0)

    /// A connected pair over loopback, both on the loop.
    private func pair(on loop: EventLoop) async throws -> (StreamSocket, StreamSocket) {
        let listener = try Listener.bind(try #require(Self.loopback), on: loop, reusePort: true)
        defer { listener.close() }
        let client = try await StreamSocket.connect(to: listener.localAddress, on: loop, deadline: nil)
        return (client, try await listener.accept())
    }

    @Test("what one side sends arrives, however large, while the other reads")
    func largeTransfer() async throws {
        try await LoopRunner.onLoop { loop in
            let (client, server) = try await pair(on: loop)
            defer { client.close(); server.close() }
            let sent = (0..<8_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let descriptor = dup(client.descriptor)
            let sending = Task(executorPreference: loop) {
                let twin = StreamSocket(adopting: descriptor, on: loop)
                try await sent.withUnsafeBytesAsync { try await twin.send($0) }
                twin.shutdownWrite()
                twin.close()
            }
            var received: [UInt8] = []
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)
            defer { buffer.deallocate() }
            while true {
                let count = try await server.receive(into: buffer)
                if count == 0 { break }
                received.append(contentsOf: buffer[..<count])
            }
            try await sending.value
            #expect(received == sent)
        }
    }

    @Test("a read that gets nothing throws timedOut at its deadline")
    func readDeadline() async throws {
        try await LoopRunner.onLoop { loop in
            let (client, server) = try await pair(on: loop)
            defer { client.close(); server.close() }
            server.readDeadline = .now() + .milliseconds(50)
            let error = await #expect(throws: ReactorError.self) { try await readSome(server) }
            #expect(error?.code == .timedOut)
        }
    }

    @Test("a write to a peer that doesn't read throws timedOut at its deadline")
    func writeDeadline() async throws {
        try await LoopRunner.onLoop { loop in
            let (client, server) = try await pair(on: loop)
            defer { client.close(); server.close() }
            server.writeDeadline = .now() + .milliseconds(50)
            let bytes = [UInt8](repeating: 7, count: 64 << 20)
            let error = await #expect(throws: ReactorError.self) {
                try await bytes.withUnsafeBytesAsync { try await server.send($0) }
            }
            #expect(error?.code == .timedOut)
        }
    }

    @Test("the peer's close is told at once, and reads as the end")
    func peerClose() async throws {
        try await LoopRunner.onLoop { loop in
            let (client, server) = try await pair(on: loop)
            await withCheckedContinuation { told in
                server.onPeerClose = { told.resume() }
                client.close()
            }
            #expect(server.peerHasClosed)
            #expect(try await readSome(server) == 0)
            server.close()
        }
    }

    @Test("closing a socket wakes who waits on it")
    func closeWakes() async throws {
        try await LoopRunner.onLoop { loop in
            let (client, server) = try await pair(on: loop)
            defer { client.close() }
            loop.schedule(after: .milliseconds(1)) { server.close() }
            let error = await #expect(throws: ReactorError.self) { try await readSome(server) }
            #expect(error?.code == .closed)
        }
    }

    @Test("connecting where nobody listens is refused")
    func refused() async throws {
        try await LoopRunner.onLoop { loop in
            let listener = try Listener.bind(try #require(Self.loopback), on: loop, reusePort: false)
            let address = listener.localAddress
            listener.close()
            let error = await #expect(throws: ReactorError.self) {
                _ = try await StreamSocket.connect(to: address, on: loop, deadline: nil)
            }
            #expect(error?.code == .refused)
        }
    }

    @Test("a watcher reports a pipe that became readable, and times out on one that doesn't")
    func watcher() async throws {
        try await LoopRunner.onLoop { loop in
            var ends: [Int32] = [0, 0]
            #expect(pipe(&ends) == 0)
            defer { for end in ends { close(end) } }
            let watcher = FileDescriptorWatcher(descriptor: ends[0], on: loop)
            let error = await #expect(throws: ReactorError.self) {
                try await watcher.wait(for: .read, until: .now() + .milliseconds(20))
            }
            #expect(error?.code == .timedOut)
            var byte: UInt8 = 1
            #expect(write(ends[1], &byte, 1) == 1)
            try await watcher.wait(for: .read)
            watcher.close()
        }
    }

    private func readSome(_ socket: StreamSocket) async throws(ReactorError) -> Int {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1024, alignment: 16)
        defer { buffer.deallocate() }
        return try await socket.receive(into: buffer)
    }
}
