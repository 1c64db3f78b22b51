import HTTPTypes
import Reactor
import TestSupport
import Testing

@testable import HTTPServer

@Suite("Handlers that fail, relay, or outlive the listener")
struct HandlerTests {
    private struct Failure: Error {}
    private static let get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

    @Test("an error before the head is answered by the listener's answer to errors")
    func errorBefore() async throws {
        try await TestServer.run(
            errorAnswer: { error, request in
                (HTTPResponse(.serviceUnavailable), Array("\(error is Failure) \(request?.path ?? "-")".utf8))
            },
            handler: { _, _, _ in throw Failure() }
        ) { server in
            let client = try await server.connect()
            try await client.send(Self.get + Self.get)
            for _ in 0..<2 { #expect(try await client.readAnswer().body == "true /") }
            client.socket.close()
        }
    }

    @Test("a request is in flight until its answer is done, even where the client leaves")
    func inFlight() async throws {
        try await LoopRunner.onLoop { loop in
            let (arrivals, arrived) = AsyncStream.makeStream(of: Void.self)
            let listener = HTTPListener(
                address: try #require(SocketAddress(ip: "127.0.0.1", port: 0)), loops: [loop],
                handler: { _, _, response in
                    arrived.yield()
                    try await loop.sleep(for: .milliseconds(5))
                    try await response.send(HTTPResponse(.ok))
                })
            let address = try await listener.bind()
            let serving = Task(executorPreference: loop) { try await listener.run() }
            #expect(listener.requestsInFlight == 0)
            var sockets: [StreamSocket] = []
            for _ in 0..<2 { sockets.append(try await StreamSocket.connect(to: address, on: loop, deadline: nil)) }
            for socket in sockets { try await TestClient(socket: socket).send(Self.get) }
            var seen = 0
            for await _ in arrivals {
                seen += 1
                if seen == 2 { break }
            }
            #expect((1...2).contains(listener.requestsInFlight))
            for socket in sockets { socket.close() }
            serving.cancel()
            try await serving.value
            #expect(listener.requestsInFlight == 0)
        }
    }

    @Test("an answer may wait for its reader for less time than the listener allows; then it is cut")
    func impatient() async throws {
        let (errors, failed) = AsyncStream.makeStream(of: HTTPServerError.Code?.self)
        let handler: RequestHandler = { _, _, response in
            do throws(HTTPServerError) {
                var writer = try await response.start(
                    HTTPResponse(.ok), contentLength: nil, unread: .milliseconds(200))
                while true { try await writer.write([UInt8](repeating: 0, count: 1 << 20)) }
            } catch {
                failed.yield(error.code)
                throw error
            }
        }
        try await TestServer.run(handler: handler) { server in
            let client = try await server.connect()
            try await client.send(Self.get)
            for await code in errors {
                #expect(code == .clientTooSlow)
                break
            }
            client.socket.close()
        }
    }

    @Test("without an answer of its own the listener says 500")
    func noAnswer() async throws {
        try await TestServer.run(handler: { _, _, _ in }) { server in
            let client = try await server.connect()
            try await client.send(Self.get)
            #expect(try await client.readAnswer().head.hasPrefix("HTTP/1.1 500 "))
            client.socket.close()
        }
    }

    @Test("a body without its end cuts the connection", arguments: ["HTTP/1.1", "HTTP/1.0"], [0, 1, 2])
    func cut(version: String, way: Int) async throws {
        let handler: RequestHandler = { _, _, response in
            var writer = try await response.start(HTTPResponse(.ok), contentLength: way == 0 ? 10 : nil)
            try await writer.write([UInt8]("abc".utf8))
            if way == 1 { throw Failure() }
            if way == 0 { try await writer.finish() }
        }
        try await TestServer.run(handler: handler) { server in
            let client = try await server.connect()
            try await client.send("GET / \(version)\r\nHost: h\r\n\r\n")
            let answer = try await client.readToEnd()
            #expect(!answer.hasSuffix("0\r\n\r\n"))
            #expect(server.log.all.map { $0.hasSuffix(" cut") } == [true])
        }
    }

    @Test("more than announced is refused")
    func tooMuch() async throws {
        let handler: RequestHandler = { _, _, response in
            var writer = try await response.start(HTTPResponse(.ok), contentLength: 2)
            try await writer.write([UInt8]("abc".utf8))
        }
        try await TestServer.run(handler: handler) { server in
            let answer = try await server.exchange(Self.get)
            #expect(!answer.hasSuffix("abc"))
        }
    }

    @Test("a handler can close without an answer")
    func closing() async throws {
        try await TestServer.run(handler: { _, _, response in response.closeWithoutAnswer() }) { server in
            let answer = try await server.exchange(Self.get)
            #expect(answer == "")
            #expect(server.log.all == ["GET / 0 0 0 cut"])
        }
    }

    @Test("a relay writes to the socket itself; an error before its head is answered")
    func relay() async throws {
        let handler: RequestHandler = { request, _, response in
            response.notes.status = 299
            try await response.relay { socket in
                if request.path == "/fail" { throw Failure() }
                let text: StaticString = "HTTP/1.1 299 Mine\r\nContent-Length: 0\r\n\r\n"
                try await socket.send(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
                return request.path == "/close" ? .close : .keepAlive
            }
        }
        try await TestServer.run(handler: handler) { server in
            let client = try await server.connect()
            for (path, status) in [("/1", 299), ("/fail", 500), ("/2", 299)] {
                try await client.send("GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try await client.readAnswer().head.hasPrefix("HTTP/1.1 \(status) "))
            }
            try await client.send("GET /close HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await client.readToEnd().hasSuffix("Content-Length: 0\r\n\r\n"))
            #expect(server.log.all.first == "GET /1 299 0 0")
        }
    }

    @Test("a client that leaves is told to the handler at once")
    func leaving() async throws {
        let (left, leave) = AsyncStream.makeStream(of: Void.self)
        let handler: RequestHandler = { _, _, response in
            let (gone, tell) = AsyncStream.makeStream(of: Void.self)
            response.clientSocket.onPeerClose = { tell.yield() }
            for await _ in gone { break }
            leave.yield()
            response.closeWithoutAnswer()
        }
        try await TestServer.run(handler: handler) { server in
            let client = try await server.connect()
            try await client.send(Self.get)
            await server.loop.yieldToPoll()
            client.socket.close()
            for await _ in left { break }
        }
    }

    @Test("draining closes idle connections, and lets running requests finish with Connection: close")
    func drain() async throws {
        let (entered, enter) = AsyncStream.makeStream(of: Void.self)
        let (released, release) = AsyncStream.makeStream(of: Void.self)
        let handler: RequestHandler = { request, _, response in
            if request.path == "/slow" {
                enter.yield()
                for await _ in released { break }
            }
            try await response.send(HTTPResponse(.ok), body: [UInt8]("done".utf8))
        }
        try await TestServer.run(handler: handler) { server in
            let idle = try await server.connect()
            try await idle.send(Self.get)
            #expect(try await idle.readAnswer().body == "done")
            let busy = try await server.connect()
            try await busy.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
            for await _ in entered { break }
            server.drain()
            #expect(try await idle.readToEnd() == "")
            await #expect(throws: ReactorError.self) { _ = try await server.connect() }
            release.yield()
            let answer = try await busy.readToEnd()
            #expect(answer.contains("Connection: close\r\n") && answer.hasSuffix("done"))
            await server.stop()
        }
    }

    @Test("a request that outlasts the drain's time is cut")
    func drainTimeout() async throws {
        let (entered, enter) = AsyncStream.makeStream(of: Void.self)
        let handler: RequestHandler = { _, body, response in
            enter.yield()
            _ = try await body.collect(upTo: 1000)
            try await response.send(HTTPResponse(.ok))
        }
        var limits = ServerLimits()
        limits.drain = .milliseconds(50)
        try await TestServer.run(limits: limits, handler: handler) { server in
            let client = try await server.connect()
            try await client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n")
            for await _ in entered { break }
            await server.stop()
            #expect(try await client.readToEnd() == "")
        }
    }
}
