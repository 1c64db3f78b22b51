import HTTPTypes
import Reactor
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

/// A listener on loopback with clients on the same loop.
struct TestServer {
    let loop: EventLoop
    let address: SocketAddress
    let log: Log
    private let task: Task<Void, any Error>

    /// What the access log said.
    final class Log: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    /// Runs the body beside a server, then drains the server.
    static func run(
        limits: ServerLimits = ServerLimits(), errorAnswer: ErrorAnswer? = nil, handler: @escaping RequestHandler,
        _ body: @escaping @Sendable (TestServer) async throws -> Void
    ) async throws {
        let route: RouteHandler = { request, _, body, response in try await handler(request, body, response) }
        try await run(
            limits: limits, errorAnswer: errorAnswer, react: { _, _ in .handler(route, RouteCaptures()) }, body)
    }

    /// The same with a server that may answer without a wait.
    static func run(
        limits: ServerLimits = ServerLimits(), errorAnswer: ErrorAnswer? = nil, react: @escaping RequestReaction,
        _ body: @escaping @Sendable (TestServer) async throws -> Void
    ) async throws {
        try await LoopRunner.onLoop { loop in
            let address = try #require(SocketAddress(ip: "127.0.0.1", port: 0))
            let log = Log()
            let listener = HTTPListener(
                address: address, loops: [loop], limits: limits, errorAnswer: errorAnswer,
                accessLog: { entry in
                    let end = entry.isComplete ? "" : " cut"
                    log.add(
                        "\(entry.method?.name ?? "-") \(entry.path) \(entry.status) \(entry.bytesIn) \(entry.bytesOut)\(end)"
                    )
                },
                react: react)
            let bound = try await listener.bind()
            let server = TestServer(
                loop: loop, address: bound, log: log,
                task: Task(executorPreference: loop) { try await listener.run() })
            do { try await body(server) } catch {
                await server.stop()
                throw error
            }
            await server.stop()
        }
    }

    /// Begins to drain.
    func drain() { task.cancel() }

    /// Drains; returns when the listener has ended.
    func stop() async {
        task.cancel()
        _ = try? await task.value
    }

    /// A new connection.
    func connect() async throws -> TestClient {
        let socket = try await StreamSocket.connect(to: address, on: loop, deadline: nil)
        socket.readDeadline = .now() + .seconds(20)
        socket.writeDeadline = .now() + .seconds(20)
        return TestClient(socket: socket)
    }

    /// Sends raw bytes on a new connection, and reads until the server closes it.
    func exchange(_ text: String) async throws -> String {
        let client = try await connect()
        defer { client.socket.close() }
        try await client.send(text)
        return try await client.readToEnd()
    }
}

/// A client that sends and reads raw bytes.
final class TestClient {
    let socket: StreamSocket
    private var received: [UInt8] = []

    init(socket: StreamSocket) { self.socket = socket }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) async throws {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { copy.deallocate() }
        copy.copyBytes(from: bytes)
        try await socket.send(UnsafeRawBufferPointer(copy))
    }

    /// Everything up to the server's end; a reset ends it too.
    func readToEnd() async throws -> String {
        while try await receive() {}
        return take(received.count)
    }

    /// Everything up to and with the text.
    func read(until text: String) async throws -> String {
        let wanted = Array(text.utf8)
        while true {
            if let end = Self.end(of: wanted, in: received) { return take(end) }
            guard try await receive() else { return take(received.count) + " [the connection ended]" }
        }
    }

    /// A head, and as many bytes as its Content-Length says.
    func readAnswer() async throws -> (head: String, body: String) {
        let head = try await read(until: "\r\n\r\n")
        var length = 0
        for line in head.split(separator: "\r\n") where line.hasPrefix("Content-Length: ") {
            length = Int(line.dropFirst(16)) ?? 0
        }
        while received.count < length, try await receive() {}
        return (head, take(min(length, received.count)))
    }

    private func receive() async throws -> Bool {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 1)
        defer { buffer.deallocate() }
        do throws(ReactorError) {
            let count = try await socket.receive(into: buffer)
            received.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            return count > 0
        } catch {
            if error.code == .connectionReset { return false }
            throw error
        }
    }

    private func take(_ count: Int) -> String {
        defer { received.removeFirst(count) }
        return String(decoding: received[..<count], as: UTF8.self)
    }

    private static func end(of wanted: [UInt8], in bytes: [UInt8]) -> Int? {
        guard bytes.count >= wanted.count else { return nil }
        for start in 0...bytes.count - wanted.count where bytes[start..<start + wanted.count].elementsEqual(wanted) {
            return start + wanted.count
        }
        return nil
    }
}
