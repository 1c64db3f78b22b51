import HTTPTypes
import Reactor
import Testing

@testable import HTTPServer

@Suite("Answers that another server gives")
struct RelayedAnswerTests {
    private static let handler: RouteHandler = { request, _, _, response in
        try await response.send(HTTPResponse(.ok), body: Array("handler \(request.path);".utf8))
    }

    private static func react(_ stage: Stage = Stage()) -> RequestReaction {
        { request, _ in .relay(ScriptedAnswer(request.path, stage), orElse: handler, RouteCaptures()) }
    }

    private static func get(_ path: String) -> String { "GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n" }

    @Test("one connection gets them in turn, each with its line in the log, or the handler's where none can begin")
    func inTurn() async throws {
        try await TestServer.run(react: Self.react()) { server in
            let client = try await server.connect()
            let paths = ["/1", "/handler", "/2", "/task", "/error", "/3"]
            for path in paths {
                try await client.send(Self.get(path))
                let answer = try await client.readAnswer()
                switch path {
                case "/handler": #expect(answer.body == "handler /handler;")
                case "/error": #expect(answer.head.hasPrefix("HTTP/1.1 400 "))
                default: #expect(answer.body == "elsewhere \(path);")
                }
            }
            client.socket.close()
            let lines = server.log.all
            #expect(lines.count == paths.count)
            #expect(lines.prefix(3) == ["GET /1 200 0 13", "GET /handler 200 0 17", "GET /2 200 0 13"])
            #expect(lines.last == "GET /3 200 0 13")
        }
    }

    @Test("requests that come during an answer are answered behind it, in their order")
    func pipelined() async throws {
        try await TestServer.run(react: Self.react()) { server in
            let paths = (0..<200).map { $0 % 5 == 0 ? "/task\($0)" : $0 % 3 == 0 ? "/handler\($0)" : "/\($0)" }
            let client = try await server.connect()
            try await client.send(Self.get("/first"))
            try await client.send(paths.map(Self.get).joined())
            #expect(try await client.readAnswer().body == "elsewhere /first;")
            for path in paths {
                let word = path.hasPrefix("/handler") ? "handler" : nil
                let body = try await client.readAnswer().body
                // Whether one begins behind another's back depends on what lies behind it: both ways give an answer in its turn.
                #expect(body == "\(word ?? "elsewhere") \(path);" || body == "handler \(path);")
            }
            client.socket.close()
        }
    }

    @Test("an answer that ends the connection does so")
    func closing() async throws {
        try await TestServer.run(react: Self.react()) { server in
            let client = try await server.connect()
            try await client.send(Self.get("/close"))
            #expect(try await client.readToEnd().hasSuffix("elsewhere /close;"))
            #expect(server.log.all == ["GET /close 200 0 17"])
        }
    }

    @Test("a server that drains lets an answer come to its end, and then closes the connection")
    func draining() async throws {
        let stage = Stage()
        try await TestServer.run(react: Self.react(stage)) { server in
            let client = try await server.connect()
            try await client.send(Self.get("/1"))
            #expect(try await client.readAnswer().body == "elsewhere /1;")
            try await client.send(Self.get("/gate"))
            while stage.gate == nil { await server.loop.yieldToPoll() }
            server.drain()
            await server.loop.yieldToPoll()
            stage.gate.take()?()
            #expect(try await client.readToEnd().hasSuffix("elsewhere /gate;"))
            await server.stop()
            #expect(server.log.all.last == "GET /gate 200 0 16")
        }
    }

    @Test("a connection that is broken off during an answer leaves the rest to the task")
    func brokenOff() async throws {
        var limits = ServerLimits()
        limits.drain = .zero
        let stage = Stage()
        try await TestServer.run(limits: limits, react: Self.react(stage)) { server in
            let client = try await server.connect()
            try await client.send(Self.get("/abandoned"))
            while stage.abandoned == 0 { await server.loop.yieldToPoll() }
            await server.stop()
            #expect(stage.finished == 1)
            #expect(try await client.readToEnd() == "")
        }
    }
}

/// What a test and the scripted answers of its server share.
///
/// Invariant of `@unchecked Sendable`: used on the thread of the test's one loop only.
private final class Stage: @unchecked Sendable {
    var gate: (() -> Void)?
    var abandoned = 0
    var finished = 0
}

/// An answer whose course its path says.
private final class ScriptedAnswer: RelayedAnswer {
    private let path: String
    private let stage: Stage
    private var client: StreamSocket?
    private var notes: ExchangeNotes?

    init(_ path: String, _ stage: Stage) {
        self.path = path
        self.stage = stage
    }

    func begin(
        for client: StreamSocket, _ notes: ExchangeNotes, whenStopped: @escaping (RelayEnd?) -> Void
    ) -> Bool {
        (self.client, self.notes) = (client, notes)
        if path.hasPrefix("/handler") { return false }
        switch path {
        case "/gate":
            stage.gate = { [self] in
                send()
                whenStopped(.keepAlive)
            }
        case "/abandoned": stage.abandoned += 1
        default:
            client.loop.beforeSleeping { [self] in
                if path.hasPrefix("/task") || path == "/error" { return whenStopped(nil) }
                send()
                whenStopped(path == "/close" ? .close : .keepAlive)
            }
        }
        return true
    }

    func finish() async throws -> RelayEnd {
        if path == "/error" { throw HTTPServerError(.badRequest, "the test says so") }
        if path == "/close" { return .close }
        if path == "/abandoned" {
            stage.finished += 1
            return .close
        }
        if path.hasPrefix("/task") { send() }
        return .keepAlive
    }

    private func send() {
        let body = "elsewhere \(path);"
        let text = "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        notes?.status = 200
        notes?.bytesOut = Int64(body.utf8.count)
        let bytes = Array(text.utf8)
        _ = try? bytes.withUnsafeBytes { bytes throws(ReactorError) in try client?.sendNow(bytes) }
    }
}
