import HTTPTypes
import Reactor
import Testing

@testable import HTTPServer

@Suite("Connections")
struct ConnectionTests {
    /// Answers with the method, the path and the body's length.
    private static let echo: RequestHandler = { request, body, response in
        let bytes = try await body.collect(upTo: 1 << 20)
        try await response.send(
            HTTPResponse(.ok), body: Array("\(request.method.name) \(request.path) \(bytes.count);".utf8))
    }

    private static let hello: RequestHandler = { _, _, response in
        try await response.send(HTTPResponse(.ok), body: Array("hello".utf8))
    }

    @Test("one connection serves request after request")
    func keepAlive() async throws {
        try await TestServer.run(handler: Self.echo) { server in
            let client = try await server.connect()
            for number in 1...3 {
                try await client.send("GET /\(number)?token=secret HTTP/1.1\r\nHost: h\r\n\r\n")
                let answer = try await client.readAnswer()
                #expect(answer.head.hasPrefix("HTTP/1.1 200 OK\r\nDate: "))
                #expect(!answer.head.contains("Connection:"))
                #expect(answer.body == "GET /\(number) 0;")
            }
            #expect(server.log.all == (1...3).map { "GET /\($0) 200 0 9" })
            client.socket.close()
        }
    }

    @Test("pipelined requests are answered in order, the bodies between them taken off")
    func pipelining() async throws {
        try await TestServer.run(handler: Self.echo) { server in
            var text = ""
            for number in 0..<200 { text += "POST /\(number) HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" }
            text += "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
            text += "GET /end HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
            let answers = try await server.exchange(text)
            let bodies = answers.split(separator: "\r\n").filter { $0.contains(";") }
            #expect(bodies.count == 202)
            #expect(bodies.first?.hasPrefix("POST /0 3;") == true)
            #expect(bodies.last == "GET /end 0;")
            #expect(answers.contains("POST /c 2;"))
        }
    }

    @Test("a request that comes byte by byte is one request")
    func bytewise() async throws {
        try await TestServer.run(handler: Self.echo) { server in
            let client = try await server.connect()
            for byte in "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab".utf8 {
                try await client.send([byte])
                await server.loop.yieldToPoll()
            }
            #expect(try await client.readAnswer().body == "POST /x 2;")
            client.socket.close()
        }
    }

    @Test("HTTP/1.0 is closed after the answer unless it asks otherwise")
    func oldClients() async throws {
        try await TestServer.run(handler: Self.echo) { server in
            let once = try await server.exchange("GET / HTTP/1.0\r\n\r\n")
            #expect(once.contains("Connection: close\r\n") && once.hasSuffix("GET / 0;"))
            let client = try await server.connect()
            try await client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(try await client.readAnswer().head.contains("Connection: keep-alive\r\n"))
            try await client.send("GET /2 HTTP/1.0\r\n\r\n")
            #expect(try await client.readToEnd().hasSuffix("GET /2 0;"))
        }
    }

    @Test("HEAD, 204 and 304 have no body, and the connection lives on")
    func bodyless() async throws {
        let handler: RequestHandler = { request, _, response in
            switch request.path {
            case "/204": try await response.send(HTTPResponse(.noContent), body: [1, 2, 3])
            case "/304": try await response.send(HTTPResponse(.notModified), body: [1, 2, 3])
            case "/stream":
                var writer = try await response.start(HTTPResponse(.ok), contentLength: 5)
                try await writer.write([1, 2, 3, 4, 5])
                try await writer.finish()
            default: try await response.send(HTTPResponse(.ok), body: Array("hello".utf8))
            }
        }
        try await TestServer.run(handler: handler) { server in
            let client = try await server.connect()
            var text = ""
            for line in ["HEAD /", "HEAD /stream", "GET /204", "GET /304", "HEAD /204"] {
                text += "\(line) HTTP/1.1\r\nHost: h\r\n\r\n"
            }
            try await client.send(text + "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            let answers = try await client.readToEnd()
            let heads = answers.components(by: "\r\n\r\n")
            #expect(heads.count == 7)
            #expect(heads[0].contains("Content-Length: 5") && heads[1].contains("Content-Length: 5"))
            #expect(heads[2].hasPrefix("HTTP/1.1 204") && !heads[2].contains("Content-Length"))
            #expect(heads[3].hasPrefix("HTTP/1.1 304") && !heads[3].contains("Content-Length"))
            #expect(heads.last == "hello")
        }
    }

    @Test("bodies in pieces are chunked, or framed by their length, or by the connection's end")
    func streaming() async throws {
        let handler: RequestHandler = { request, _, response in
            let length = request.path == "/length" ? Int64(40_003) : nil
            var writer = try await response.start(HTTPResponse(.ok), contentLength: length)
            try await writer.write([UInt8]("abc".utf8))
            try await writer.write([])
            try await writer.write([UInt8](repeating: 120, count: 40_000))
            try await writer.finish()
        }
        try await TestServer.run(handler: handler) { server in
            let end = String(repeating: "x", count: 40_000)
            let close = "HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
            #expect(try await server.exchange("GET /length \(close)").hasSuffix("\r\n\r\nabc\(end)"))
            let chunked = try await server.exchange("GET /chunked \(close)")
            #expect(chunked.contains("Transfer-Encoding: chunked\r\n"))
            #expect(chunked.hasSuffix("\r\n\r\n3\r\nabc\r\n9c40\r\n\(end)\r\n0\r\n\r\n"))
            let old = try await server.exchange("GET /chunked HTTP/1.0\r\n\r\n")
            #expect(!old.contains("chunked") && old.hasSuffix("\r\n\r\nabc\(end)"))
        }
    }

    @Test("a handler can't set the framing itself, and close is its right")
    func framing() async throws {
        let handler: RequestHandler = { _, _, response in
            let fields: HTTPFields = ["content-length": "999", "X": "y", "Connection": "close", "Date": "never"]
            try await response.send(HTTPResponse(.ok, fields: fields), body: [65])
        }
        try await TestServer.run(handler: handler) { server in
            let answer = try await server.exchange("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(!answer.contains("999") && !answer.contains("never"))
            #expect(answer.hasSuffix("X: y\r\nContent-Length: 1\r\nConnection: close\r\n\r\nA"))
        }
    }

    @Test("large answers reach clients that read slowly")
    func slowReader() async throws {
        let handler: RequestHandler = { _, _, response in
            try await response.send(HTTPResponse(.ok), body: [UInt8](repeating: 97, count: 8 << 20))
        }
        try await TestServer.run(handler: handler) { server in
            let client = try await server.connect()
            try await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let answer = try await client.readAnswer()
            #expect(answer.body.utf8.count == 8 << 20)
            client.socket.close()
        }
    }
}

extension String {
    /// The parts between separators, empty ones too.
    func components(by separator: String) -> [String] {
        var parts: [String] = []
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            parts.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return parts + [String(rest)]
    }
}
