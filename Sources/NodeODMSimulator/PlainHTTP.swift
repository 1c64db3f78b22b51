import Glibc
import Reactor

/// One request to an http URL over a socket of its own: webhooks and zipurl.
///
/// Not the gateway's client: a fault of that would hide on both sides. HTTP/1.0, so that answers end with the connection.
struct PlainHTTP {
    var url: String
    var pool: BlockingPool

    private static let patience = Duration.seconds(30)

    /// Posts JSON.
    /// - Returns: the status code.
    /// - Throws: ``SimulatorError`` for a URL or an answer that can't be read, `ReactorError` for the connection's.
    func post(_ body: [UInt8]) async throws -> Int {
        let head = "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n"
        return try await exchange("POST", head, body) { _, status, _, _ in status }
    }

    /// Fetches a file.
    /// - Throws: as ``post(_:)``, and where the status isn't 200.
    func download(to path: String) async throws {
        try await exchange("GET", "", []) { socket, status, first, buffer in
            guard status == 200 else { throw failure("answered \(status)") }
            let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
            guard descriptor >= 0 else { throw Disk.failure("write", path) }
            defer { close(descriptor) }
            try Disk.append(first, to: descriptor, path)
            while case let count = try await socket.receive(into: buffer), count > 0 {
                socket.readDeadline = socket.loop.now + Self.patience
                let piece = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])
                guard Disk.append(piece, to: descriptor) else { throw Disk.failure("write", path) }
            }
        }
    }

    /// Sends a request, reads the answer's head, and hands over: the socket, the status, what came behind the head, and a
    /// buffer for the rest.
    private func exchange<Result>(
        _ method: String, _ fields: String, _ body: [UInt8],
        _ answer: (StreamSocket, Int, [UInt8], UnsafeMutableRawBufferPointer) async throws -> Result
    ) async throws -> Result {
        guard let target = Target(url), let loop = EventLoop.current else { throw failure("is no http URL") }
        let addresses = try await SocketAddress.resolve(host: target.host, port: target.port, pool: pool)
        guard let address = addresses.first else { throw failure("has no address") }
        let deadline = loop.now + Self.patience
        let socket = try await StreamSocket.connect(to: address, on: loop, deadline: deadline)
        defer { socket.close() }
        socket.writeDeadline = deadline
        socket.readDeadline = deadline
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)
        defer { buffer.deallocate() }
        let head = "\(method) \(target.path) HTTP/1.0\r\nHost: \(target.authority)\r\n\(fields)\r\n"
        try await send(Array(head.utf8) + body, by: socket, buffer)
        let (status, first) = try await readHead(from: socket, buffer)
        return try await answer(socket, status, first, buffer)
    }

    private func send(
        _ bytes: [UInt8], by socket: StreamSocket, _ buffer: UnsafeMutableRawBufferPointer
    ) async throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = rest.prefix(buffer.count)
            buffer.copyBytes(from: piece)
            try await socket.send(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<piece.count]))
            rest = rest.dropFirst(piece.count)
        }
    }

    private func readHead(
        from socket: StreamSocket, _ buffer: UnsafeMutableRawBufferPointer
    ) async throws -> (status: Int, rest: [UInt8]) {
        var bytes: [UInt8] = []
        while bytes.count < 64 * 1024 {
            let count = try await socket.receive(into: buffer)
            guard count > 0 else { break }
            bytes.append(contentsOf: buffer[..<count])
            guard let end = bytes.indices.first(where: { bytes[$0...].starts(with: [13, 10, 13, 10]) }) else {
                continue
            }
            // `HTTP/1.1 200 …`: the three digits behind the first blank.
            let line = String(decoding: bytes.prefix(64), as: UTF8.self)
            guard let status = line.split(separator: " ").dropFirst().first.flatMap({ Int($0.prefix(3)) }) else {
                break
            }
            return (status, Array(bytes[(end + 4)...]))
        }
        throw failure("gave no HTTP answer")
    }

    private func failure(_ what: String) -> SimulatorError {
        SimulatorError(code: .disk, message: "\(url) \(what)")
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
