import HTTPRelay
import HTTPTypes
import Reactor
import TestSupport
import Testing

@Suite("Relaying answers")
struct RelayTests {
    private static func pattern(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    }

    @Test("a small answer passes with its fields, and its connection is used again")
    func small() async throws {
        try await LoopRunner.onLoop { loop in
            let harness = try RelayHarness(on: loop) { connection, _ in
                while let head = try await connection.readHead() {
                    #expect(head.hasPrefix("GET /file HTTP/1.1\r\nHost: 127.0.0.1:"))
                    try await connection.send(
                        "HTTP/1.1 200 OK\r\nServer: s\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello")
                }
            }
            defer { harness.stop() }
            for _ in 0..<3 {
                let outcome = try await harness.get { answer in
                    var answer = answer
                    answer.fields.remove("Server")
                    return answer
                }
                #expect(outcome.text == "HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 5\r\n\r\nhello")
                #expect(outcome.end == .keepAlive)
            }
            #expect(harness.server.connectionCount == 1)
        }
    }

    @Test("fields of the client's connection don't reach the upstream, and the caller's Range does")
    func requestFields() async throws {
        try await LoopRunner.onLoop { loop in
            let harness = try RelayHarness(on: loop) { connection, _ in
                let head = try await connection.readHead() ?? ""
                #expect(head.contains("\r\nRange: bytes=1-3\r\n"))
                for name in ["Connection", "X-Hop", "TE", "Upgrade", "Expect", "evil", "Transfer-Encoding"] {
                    #expect(!head.contains(name), "\(name)")
                }
                try await connection.send("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 1-3/9\r\n")
                try await connection.send("Content-Length: 3\r\n\r\nell")
            }
            defer { harness.stop() }
            let fields: HTTPFields = [
                "Host": "evil", "Range": "bytes=1-3", "Connection": "keep-alive, X-Hop", "X-Hop": "1", "TE": "x",
                "Upgrade": "x", "Expect": "100-continue", "Transfer-Encoding": "chunked",
            ]
            let outcome = try await harness.get(UpstreamRequest(method: .get, target: "/file", fields: fields))
            #expect(outcome.text.hasPrefix("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 1-3/9\r\n"))
            #expect(outcome.text.hasSuffix("Content-Length: 3\r\n\r\nell"))
        }
    }

    @Test(
        "bodies of every size arrive whole, copied and spliced", arguments: [0, 1, 65_535, 65_536, 200_000, 5_000_003])
    func sizes(size: Int) async throws {
        try await LoopRunner.onLoop { loop in
            let body = Self.pattern(size)
            let harness = try RelayHarness(on: loop) { connection, _ in
                while try await connection.readHead() != nil {
                    try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
                    try await connection.send(body)
                }
            }
            defer { harness.stop() }
            for _ in 0..<2 {
                let outcome = try await harness.get()
                #expect(outcome.body == body)
                #expect(outcome.end == .keepAlive)
                #expect(harness.countedBytes == Int64(size))
            }
            #expect(harness.server.connectionCount == 1)
        }
    }

    @Test("chunks are framed anew for HTTP/1.1, and taken off for HTTP/1.0")
    func chunked() async throws {
        try await LoopRunner.onLoop { loop in
            let harness = try RelayHarness(on: loop) { connection, _ in
                while try await connection.readHead() != nil {
                    try await connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n")
                    try await connection.send("6\r\n world\r\n0\r\nTrailer: x\r\n\r\n")
                }
            }
            defer { harness.stop() }
            let modern = try await harness.get()
            #expect(modern.end == .keepAlive)
            #expect(modern.text.hasPrefix("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))
            #expect(String(decoding: try Self.unchunk(modern.body), as: UTF8.self) == "hello world")
            let old = try await harness.get(UpstreamRequest(method: .get, target: "/file", clientMinorVersion: 0))
            #expect(old.text == "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello world")
            #expect(old.end == .close)
            #expect(harness.server.connectionCount == 1)
        }
    }

    private static func unchunk(_ bytes: [UInt8]) throws -> [UInt8] {
        var decoder = ChunkedDecoder(.request)
        var position = 0
        var data: [UInt8] = []
        while let range = try bytes.withUnsafeBytes({ try decoder.next(in: $0, from: &position) }) {
            data += bytes[range]
        }
        guard decoder.isFinished else { throw RelayError(.badAnswer, "no last chunk") }
        guard position == bytes.count else { throw RelayError(.badAnswer, "bytes after the last chunk") }
        return data
    }

    @Test("a large body in tiny and huge chunks, or until close, arrives whole", arguments: [1, 1_000, 300_000, 0])
    func largeChunked(chunk: Int) async throws {
        try await LoopRunner.onLoop { loop in
            let body = Self.pattern(chunk == 1 ? 50_000 : 2_000_000)
            let harness = try RelayHarness(on: loop) { connection, _ in
                _ = try await connection.readHead()
                guard chunk > 0 else {
                    try await connection.send("HTTP/1.1 200 OK\r\n\r\n")
                    return try await connection.send(body)
                }
                var text = Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
                for start in stride(from: 0, to: body.count, by: chunk) {
                    let part = body[start..<min(start + chunk, body.count)]
                    text += Array("\(String(part.count, radix: 16))\r\n".utf8) + part + Array("\r\n".utf8)
                }
                try await connection.send(text + Array("0\r\n\r\n".utf8))
            }
            defer { harness.stop() }
            let outcome = try await harness.get()
            #expect(try Self.unchunk(outcome.body) == body)
            #expect(outcome.end == .keepAlive)
            #expect(harness.countedBytes == Int64(outcome.body.count))
        }
    }

    @Test("HEAD, 204 and 304 have no body whatever their fields say")
    func bodiless() async throws {
        try await LoopRunner.onLoop { loop in
            let harness = try RelayHarness(on: loop) { connection, _ in
                while let head = try await connection.readHead() {
                    if head.hasPrefix("HEAD") {
                        try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
                    } else if head.contains("/204") {
                        try await connection.send("HTTP/1.1 204 No Content\r\n\r\n")
                    } else {
                        try await connection.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n")
                    }
                }
            }
            defer { harness.stop() }
            let head = try await harness.get(UpstreamRequest(method: .head, target: "/"))
            #expect(head.text == "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
            let empty = try await harness.get(UpstreamRequest(method: .get, target: "/204"))
            #expect(empty.text == "HTTP/1.1 204 No Content\r\n\r\n")
            let same = try await harness.get(UpstreamRequest(method: .get, target: "/304"))
            #expect(same.text == "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n")
            #expect(harness.server.connectionCount == 1)
        }
    }

    @Test("interim answers are skipped, and a head in pieces is put together")
    func interimAndPieces() async throws {
        try await LoopRunner.onLoop { loop in
            let harness = try RelayHarness(on: loop) { connection, _ in
                _ = try await connection.readHead()
                for piece in [
                    "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1", ".1 100 Continue\r\n\r\nHTTP/1.1 200",
                    " OK\r\nConte",
                    "nt-Length: 2\r\n\r", "\nh", "i",
                ] {
                    try await connection.send(piece)
                    await loop.yieldToPoll()
                    await loop.yieldToPoll()
                }
                await connection.untilPeerCloses()
            }
            defer { harness.stop() }
            #expect(try await harness.get().text == "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        }
    }

    @Test("bytes after an answer reach no client, and end the upstream's connection")
    func surplus() async throws {
        try await LoopRunner.onLoop { loop in
            let harness = try RelayHarness(on: loop) { connection, _ in
                while try await connection.readHead() != nil {
                    try await connection.send(
                        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n\r\nevil")
                }
            }
            defer { harness.stop() }
            for number in 1...2 {
                #expect(try await harness.get().text == "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
                #expect(harness.server.connectionCount == number)
            }
        }
    }

    @Test("a head that the caller refuses is not passed on, and leaves the caller free to answer")
    func rejected() async throws {
        try await LoopRunner.onLoop { loop in
            let harness = try RelayHarness(on: loop) { connection, _ in
                _ = try await connection.readHead()
                try await connection.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
                await connection.untilPeerCloses()
            }
            defer { harness.stop() }
            let outcome = try await harness.get { _ throws(RelayError) in
                throw RelayError(.rejected, "the node refused our token")
            }
            #expect(outcome.error?.code == .rejected)
            #expect(outcome.error?.headWasSent == false)
            #expect(outcome.received.isEmpty)
        }
    }

    @Test(
        "a target that could smuggle a line, and a method with a body, are refused before anything is sent",
        arguments: ["", "file", "/a b", "/a\r\nX: y", "/a\u{0}"])
    func invalidRequest(target: String) async throws {
        try await LoopRunner.onLoop { loop in
            let harness = try RelayHarness(on: loop) { connection, _ in
                #expect(await connection.readToEnd().isEmpty)
            }
            defer { harness.stop() }
            let outcome = try await harness.get(UpstreamRequest(method: .get, target: target))
            #expect(outcome.error?.code == .invalidRequest)
            let post = try await harness.get(UpstreamRequest(method: .post, target: "/"))
            #expect(post.error?.code == .invalidRequest)
        }
    }

    @Test("a fast upstream waits for a slow client: memory stays flat")
    func slowClient() async throws {
        try await LoopRunner.onLoop { loop in
            let total = 128 * 1_048_576
            // How far the upstream is ahead of the client: what the relay and the kernel's buffers hold. The process's own memory
            // would tell of every other suite that runs beside this one.
            let lead = Lead()
            let harness = try RelayHarness(on: loop) { connection, number in
                let head = try await connection.readHead() ?? ""
                let isChunked = head.contains("/chunked")
                let framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(total)"
                try await connection.send("HTTP/1.1 200 OK\r\n\(framing)\r\n\r\n")
                let block = [UInt8](repeating: 7, count: 1_048_576)
                for _ in 0..<128 {
                    if isChunked { try await connection.send("100000\r\n") }
                    try await connection.send(block)
                    lead.sent(block.count)
                    if isChunked { try await connection.send("\r\n") }
                }
                if isChunked { try await connection.send("0\r\n\r\n") }
            }
            defer { harness.stop() }
            for target in ["/chunked", "/length"] {
                let (near, far) = try await ScriptedConnection.pair(on: loop)
                let reader = LoopBound(far)
                lead.restart()
                let reading = Task(executorPreference: loop) {
                    var count = 0
                    while true {
                        let bytes = (try? await reader.value.read(10_000)) ?? []
                        count += bytes.count
                        lead.received(bytes.count)
                        await loop.yieldToPoll()
                        if bytes.count < 10_000 { return count }
                    }
                }
                let result = await harness.run(UpstreamRequest(method: .get, target: target), client: near)
                #expect(throws: Never.self) { try result.get() }
                #expect(lead.largest < 24 * 1_048_576)
                near.close()
                #expect(await reading.value >= total)
                far.close()
            }
        }
    }
}
