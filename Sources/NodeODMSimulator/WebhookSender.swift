import Reactor

/// Posts the end of a task as NodeODM does: six attempts, only 200 is success, no signature (contract, section 7).
///
/// Plain HTTP/1.1 over a socket of its own, http only: the node must not share the gateway's client, or a fault of that
/// would hide on both sides.
struct WebhookSender: Sendable {
    var url: String
    var body: [UInt8]
    /// Seconds; the pause after the n-th failure is n − 1 times this.
    var pause: Double
    var clock: any WorldClock
    var pool: BlockingPool

    private static let attempts = 6

    func run() async {
        for attempt in 0..<Self.attempts {
            if (try? await post()) == 200 { return }
            if attempt == Self.attempts - 1 { break }
            guard (try? await clock.sleep(for: .seconds(pause * Double(attempt)))) != nil else { return }
        }
        Console.log("webhook \(url): given up")
    }

    /// One attempt.
    /// - Returns: the status code; nil where the URL or the answer can't be read.
    private func post() async throws -> Int? {
        guard let target = Target(url), let loop = EventLoop.current else { return nil }
        let addresses = try await SocketAddress.resolve(host: target.host, port: target.port, pool: pool)
        guard let address = addresses.first else { return nil }
        let deadline = loop.now + .seconds(10)
        let socket = try await StreamSocket.connect(to: address, on: loop, deadline: deadline)
        defer { socket.close() }
        socket.writeDeadline = deadline
        socket.readDeadline = deadline
        let head =
            "POST \(target.path) HTTP/1.1\r\nHost: \(target.authority)\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.count)\r\nConnection: close\r\n\r\n"
        let request = UnsafeMutableRawBufferPointer.allocate(byteCount: head.utf8.count + body.count, alignment: 1)
        defer { request.deallocate() }
        request.copyBytes(from: Array(head.utf8) + body)
        try await socket.send(UnsafeRawBufferPointer(request))
        return try await Self.status(from: socket)
    }

    /// `HTTP/1.1 200 …`: the three digits behind the first blank.
    private static func status(from socket: StreamSocket) async throws -> Int? {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 1)
        defer { buffer.deallocate() }
        var filled = 0
        while filled < 12 {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
            let count = try await socket.receive(into: rest)
            if count == 0 { return nil }
            filled += count
        }
        let line = String(decoding: buffer[..<filled], as: UTF8.self)
        return line.split(separator: " ").dropFirst().first.flatMap { Int($0.prefix(3)) }
    }

    /// The parts of an http URL.
    private struct Target {
        var host: String
        var port: UInt16
        var authority: String
        var path: String

        init?(_ url: String) {
            guard url.hasPrefix("http://"), url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return nil }
            let rest = url.dropFirst(7).prefix { $0 != "#" }
            let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
            authority = String(rest[..<end])
            path = rest[end...].hasPrefix("/") ? String(rest[end...]) : "/" + rest[end...]
            let parts = authority.split(separator: ":", maxSplits: 1)
            guard let first = parts.first else { return nil }
            host = String(first)
            port = parts.count == 2 ? UInt16(parts[1]) ?? 80 : 80
        }
    }
}
