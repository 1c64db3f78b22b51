import HTTPTypes
import Reactor
import Testing

@testable import HTTPServer

@Suite("Answers without a wait")
struct InstantAnswerTests {
    private static let head = ReadyAnswer.Head(HTTPResponse(.ok, fields: [.contentType: "text/plain"]))

    private static let slow: RouteHandler = { request, _, body, response in
        let bytes = try await body.collect(upTo: 1 << 20)
        try await response.send(HTTPResponse(.ok), body: Array("slow \(request.path) \(bytes.count);".utf8))
    }

    /// Answers at once but for `/slow…`; `/large` is too large to be copied.
    private static let react: RequestReaction = { request, _ in
        if request.path.hasPrefix("/slow") { return .handler(slow, RouteCaptures()) }
        if request.path == "/large" { return .answer(ReadyAnswer(head, body: [UInt8](repeating: 97, count: 1 << 20))) }
        return .answer(ReadyAnswer(head, body: Array("instant \(request.path);".utf8)))
    }

    @Test("one connection serves answers with and without a wait in turn, each with its line in the log")
    func inTurn() async throws {
        try await TestServer.run(react: Self.react) { server in
            let client = try await server.connect()
            for path in ["/1", "/slow", "/2", "/large", "/3"] {
                try await client.send("GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n")
                let answer = try await client.readAnswer()
                #expect(answer.head.hasPrefix("HTTP/1.1 200 OK\r\nDate: "))
                #expect(!answer.head.contains("Connection:"))
                switch path {
                case "/slow": #expect(answer.body == "slow /slow 0;")
                case "/large": #expect(answer.body.utf8.count == 1 << 20)
                default:
                    #expect(answer.body == "instant \(path);")
                    #expect(answer.head.contains("Content-Type: text/plain\r\nContent-Length: 11\r\n\r\n"))
                }
            }
            let expected = ["/1 200 0 11", "/slow 200 0 13", "/2 200 0 11", "/large 200 0 1048576", "/3 200 0 11"]
            #expect(server.log.all == expected.map { "GET \($0)" })
            client.socket.close()
        }
    }

    @Test("pipelined requests of both kinds are answered in their order")
    func pipelined() async throws {
        try await TestServer.run(react: Self.react) { server in
            var text = ""
            for number in 0..<300 {
                let path = number % 7 == 0 ? "/slow\(number)" : "/\(number)"
                text += "POST \(path) HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
                text += "GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n"
            }
            let answers = try await server.exchange(text + "GET /end HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            let bodies = answers.components(by: "HTTP/1.1 200 OK").dropFirst().map { answer in
                answer.components(by: "\r\n\r\n").last ?? ""
            }
            let expected = (0..<300).flatMap { number in
                number % 7 == 0
                    ? ["slow /slow\(number) 3;", "slow /slow\(number) 0;"]
                    : ["instant /\(number);", "instant /\(number);"]
            }
            #expect(Array(bodies) == expected + ["instant /end;"])
        }
    }

    @Test("a head that comes byte by byte, and one behind another, are found all the same")
    func pieces() async throws {
        try await TestServer.run(react: Self.react) { server in
            let client = try await server.connect()
            let request = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n"
            for byte in (request + request).utf8 {
                try await client.send([byte])
                await server.loop.yieldToPoll()
            }
            #expect(try await client.readAnswer().body == "instant /x;")
            try await client.send(String(request.dropLast(10)))
            #expect(try await client.readAnswer().body == "instant /x;")
            try await client.send(String(request.suffix(10)) + request)
            for _ in 0..<2 { #expect(try await client.readAnswer().body == "instant /x;") }
            client.socket.close()
        }
    }

    @Test("HEAD has no body, and who wants the connection to end sees it end")
    func headAndClose() async throws {
        try await TestServer.run(react: Self.react) { server in
            let text = "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"
            let answers = try await server.exchange(text + "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            let heads = answers.components(by: "\r\n\r\n")
            #expect(heads.count == 3 && heads[0].hasSuffix("Content-Length: 10"))
            #expect(heads[1].hasSuffix("Connection: close") && heads[2] == "instant /;")
            #expect(try await server.exchange("GET / HTTP/1.0\r\n\r\n").contains("Connection: close\r\n"))
            let client = try await server.connect()
            try await client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(try await client.readAnswer().head.contains("Connection: keep-alive\r\n"))
            client.socket.close()
        }
    }

    @Test("a bad head after good answers is refused, and a client that leaves is forgotten")
    func ends() async throws {
        try await TestServer.run(react: Self.react) { server in
            let client = try await server.connect()
            try await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await client.readAnswer().body == "instant /;")
            try await client.send("GET / HTTP/1.1\r\nHost : h\r\n\r\n")
            #expect(try await client.readToEnd().hasPrefix("HTTP/1.1 400 "))
            let leaving = try await server.connect()
            try await leaving.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            leaving.socket.shutdownWrite()
            #expect(try await leaving.readToEnd().hasSuffix("instant /;"))
        }
    }

    @Test("a client that doesn't read gets all answers in the end, and the log says so")
    func slowReader() async throws {
        let body = [UInt8](repeating: 98, count: 16 * 1024)
        try await TestServer.run(react: { _, _ in .answer(ReadyAnswer(Self.head, body: body)) }) { server in
            let client = try await server.connect()
            let count = 400
            let text = String(repeating: "GET / HTTP/1.1\r\nHost: h\r\n\r\n", count: count)
            try await client.send(text)
            for _ in 0..<count { #expect(try await client.readAnswer().body.utf8.count == body.count) }
            #expect(server.log.all.count == count)
            client.socket.close()
        }
    }

    @Test("the time for a head counts from its first byte, also behind answers without a wait")
    func headTime() async throws {
        var limits = ServerLimits()
        limits.headTime = .milliseconds(300)
        try await TestServer.run(limits: limits, react: Self.react) { server in
            let client = try await server.connect()
            try await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTT")
            #expect(try await client.readAnswer().body == "instant /;")
            #expect(try await client.readToEnd().hasPrefix("HTTP/1.1 408 "))
        }
    }

    @Test("a drain closes the connections that wait for a request")
    func drain() async throws {
        try await TestServer.run(react: Self.react) { server in
            let client = try await server.connect()
            try await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(try await client.readAnswer().body == "instant /;")
            server.drain()
            #expect(try await client.readToEnd() == "")
        }
    }
}
