import HTTPTypes
import Reactor
import Testing

@testable import HTTPServer

@Suite("Bad and slow clients")
struct BadClientTests {
    private static let hello: RequestHandler = { _, _, response in
        try await response.send(HTTPResponse(.ok), body: Array("hello".utf8))
    }

    @Test("a header of 1 MB is answered 431, and the client gets to see it")
    func largeHeader() async throws {
        try await TestServer.run(handler: Self.hello) { server in
            let value = String(repeating: "x", count: 1 << 20)
            let answer = try await server.exchange("GET / HTTP/1.1\r\nHost: h\r\nX: \(value)\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 431 "))
            #expect(answer.contains("Connection: close\r\n"))
            #expect(server.log.all == ["-  431 0 35"])
        }
    }

    @Test(
        "a head that can't be read is answered and closed",
        arguments: [
            ("GET / HTTP/1.1\r\n\r\n", "400"), ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"),
            (
                "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /",
                "400"
            ),
            ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", "501"),
            ("POST / HTTP/1.1\r\nHost: h\r\nExpect: x\r\n\r\n", "417"),
        ])
    func badHeads(text: String, status: String) async throws {
        try await TestServer.run(handler: Self.hello) { server in
            let answer = try await server.exchange(text)
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
            #expect(answer.components(by: "\r\nDate: ").count == 2, "one answer only")
        }
    }

    @Test(
        "a client is told what is wrong with its HTTP version",
        arguments: [
            ("HTTP/9", "the HTTP version is malformed"), ("HTTP/1.x", "the HTTP version is malformed"),
            ("HTTP/9.1", "only HTTP/1.1 and HTTP/1.0"), ("HTTP/1.1 x", "the request line ends badly"),
            ("HTTQ/1.1", "no HTTP version"),
        ])
    func version(word: String, message: String) async throws {
        try await TestServer.run(handler: Self.hello) { server in
            let answer = try await server.exchange("GET / \(word)\r\nHost: h\r\n\r\n")
            #expect(answer.contains(message), "\(answer)")
        }
    }

    @Test("a head that doesn't come is answered 408, silence is closed without a word")
    func slowHead() async throws {
        var limits = ServerLimits()
        limits.headTime = .milliseconds(200)
        limits.idle = .milliseconds(200)
        try await TestServer.run(limits: limits, handler: Self.hello) { server in
            #expect(try await server.exchange("GET / HTTP/1.1\r\nHos").hasPrefix("HTTP/1.1 408 "))
            #expect(try await server.exchange("") == "")
            let client = try await server.connect()
            try await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await client.readToEnd().hasSuffix("\r\n\r\nhello"))
        }
    }

    @Test("a body that stops coming is answered 408")
    func slowBody() async throws {
        var limits = ServerLimits()
        limits.idle = .milliseconds(200)
        let handler: RequestHandler = { _, body, response in
            _ = try await body.collect(upTo: 1000)
            try await response.send(HTTPResponse(.ok))
        }
        try await TestServer.run(limits: limits, handler: handler) { server in
            let text = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc"
            let answer = try await server.exchange(text)
            #expect(answer.hasPrefix("HTTP/1.1 408 "))
        }
    }

    @Test("a client that ends within the body is a typed error for the handler")
    func truncatedBody() async throws {
        let handler: RequestHandler = { _, body, response in
            do throws(HTTPServerError) {
                _ = try await body.collect(upTo: 1000)
            } catch {
                return try await response.send(HTTPResponse(.badRequest), body: Array(error.code.rawValue.utf8))
            }
        }
        try await TestServer.run(handler: handler) { server in
            for framing in ["Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"] {
                let client = try await server.connect()
                try await client.send("POST / HTTP/1.1\r\nHost: h\r\n\(framing)")
                client.socket.shutdownWrite()
                #expect(try await client.readToEnd().hasSuffix("\r\n\r\nbodyTruncated"))
            }
        }
    }

    @Test("100 Continue is sent at the first read, and never after an answer")
    func expectation() async throws {
        let handler: RequestHandler = { request, body, response in
            guard request.path == "/read" else { return try await response.send(HTTPResponse(.unauthorized)) }
            let bytes = try await body.collect(upTo: 100)
            try await response.send(HTTPResponse(.ok), body: bytes)
        }
        try await TestServer.run(handler: handler) { server in
            let client = try await server.connect()
            let fields = "HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
            try await client.send("PUT /read \(fields)")
            #expect(try await client.read(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            try await client.send("hello")
            #expect(try await client.readAnswer().body == "hello")
            try await client.send("PUT /refuse \(fields)")
            let answer = try await client.read(until: "\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 401 ") && answer.contains("Connection: close\r\n"))
            client.socket.shutdownWrite()
            #expect(try await client.readToEnd() == "")
        }
    }

    @Test("an answer before the end of an upload reaches the client")
    func earlyAnswer() async throws {
        let handler: RequestHandler = { _, _, response in
            try await response.send(HTTPResponse(.contentTooLarge), body: Array("no".utf8))
        }
        try await TestServer.run(handler: handler) { server in
            let client = try await server.connect()
            try await client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 8388608\r\n\r\n")
            try await client.send([UInt8](repeating: 1, count: 8 << 20))
            let answer = try await client.readAnswer()
            #expect(answer.head.hasPrefix("HTTP/1.1 413 ") && answer.head.contains("Connection: close"))
            #expect(answer.body == "no")
            client.socket.close()
        }
    }

    @Test("a small body that the handler leaves is dropped, and the connection lives on")
    func unreadBody() async throws {
        try await TestServer.run(handler: Self.hello) { server in
            let client = try await server.connect()
            try await client.send("PUT /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n")
            #expect(try await client.readAnswer().body == "hello")
            try await client.send("12345PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
            #expect(try await client.readAnswer().body == "hello")
            try await client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(try await client.readToEnd().hasSuffix("hello"))
        }
    }

    @Test("a multipart upload streams through a connection")
    func upload() async throws {
        let handler: RequestHandler = { request, body, response in
            let type = request.fields[.contentType].flatMap { MediaType($0) }
            let reader = try MultipartReader(body: body, boundary: type?.boundary)
            var told = ""
            while let part = try await reader.nextPart() {
                var (count, sum) = (0, 0)
                while let piece = try await part.next() {
                    count += piece.count
                    for byte in piece { sum &+= Int(byte) }
                }
                told += "\(part.filename ?? "-") \(count) \(sum);"
            }
            try await response.send(HTTPResponse(.ok), body: Array(told.utf8))
        }
        var pieces = Pieces(seed: 5)
        let data = pieces.bytes(1 << 20) + [UInt8](repeating: 13, count: 1000)
        let sum = data.reduce(0) { $0 + Int($1) }
        let content =
            Array("--b\r\nContent-Disposition: form-data; name=\"i\"; filename=\"a.jpg\"\r\n\r\n".utf8) + data
            + Array("\r\n--b--\r\n".utf8)
        try await TestServer.run(handler: handler) { server in
            let client = try await server.connect()
            let fields = "Host: h\r\nContent-Type: multipart/form-data; boundary=b\r\n"
            try await client.send("POST / HTTP/1.1\r\n\(fields)Content-Length: \(content.count)\r\n\r\n")
            try await client.send(content)
            #expect(try await client.readAnswer().body == "a.jpg \(data.count) \(sum);")
            try await client.send("POST / HTTP/1.1\r\n\(fields)Transfer-Encoding: chunked\r\n\r\n")
            var pieces = Pieces(seed: 6)
            for piece in pieces.cut(content, longest: 50_000) {
                try await client.send(Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + [13, 10])
            }
            try await client.send("0\r\n\r\n")
            #expect(try await client.readAnswer().body == "a.jpg \(data.count) \(sum);")
            try await client.send("POST / HTTP/1.1\r\n\(fields)Content-Length: 4\r\n\r\n--b\r")
            #expect(try await client.readAnswer().head.hasPrefix("HTTP/1.1 400 "))
            client.socket.close()
        }
    }
}
