import HTTPClient
import HTTPTypes
import Reactor
import Synchronization
import TestSupport
import Testing

@Suite("Outbound requests")
struct CurlClientTests {
    @Test("Debian's libcurl looks names up without blocking the loop")
    func resolver() { #expect(CurlClient.resolvesAsynchronously) }

    @Test("an answer is collected with its fields, and its connection is used again")
    func collected() async throws {
        try await ClientHarness.run { connection, _ in
            while let (head, _) = try await connection.readRequest() {
                #expect(head.hasPrefix("GET /a?b=c HTTP/1.1\r\n"))
                #expect(head.contains("\r\nX-A: b\r\n"))
                #expect(head.contains("\r\nUser-Agent: scaleodm\r\n"))
                #expect(!head.contains("evil"))
                try await connection.answer("hello", status: "404 Not Found", fields: "X-B: c\r\n")
            }
        } _: { harness in
            for _ in 0..<3 {
                let answer = try await harness.client.send(
                    OutboundRequest(
                        .get, harness.url("/a?b=c"), fields: ["X-A": "b", "Host": "evil", "Content-Length": "9"]))
                #expect(answer.status == 404)
                #expect(answer.fields["x-b"] == "c")
                #expect(answer.body == Array("hello".utf8))
            }
            #expect(harness.server.connectionCount == 1)
        }
    }

    @Test("bodies from memory and from streams arrive with their length, unknown ones in chunks")
    func requestBodies() async throws {
        try await ClientHarness.run { connection, _ in
            while let head = try await connection.readHead() {
                if head.contains("Transfer-Encoding: chunked") {
                    let body = String(decoding: try await connection.read(16), as: UTF8.self)
                    #expect(body == "6\r\nstream\r\n0\r\n\r\n")
                } else {
                    #expect(head.contains("\r\nContent-Length: 6\r\n"))
                    #expect(!head.contains("Expect"))
                    #expect(!head.contains("urlencoded"))
                    _ = try await connection.read(6)
                }
                try await connection.answer(String(head.prefix { $0 != " " }))
            }
        } _: { harness in
            for method in [HTTPMethod.post, .put, .patch, .delete] {
                let bytes = Array("stream".utf8)
                for body in [
                    OutboundRequest.Body.bytes(bytes), .stream(length: 6, BytesSource(bytes)),
                    .stream(length: nil, BytesSource(bytes)),
                ] {
                    let answer = try await harness.client.send(OutboundRequest(method, harness.url(), body: body))
                    #expect(answer.body == Array(method.name.utf8))
                }
            }
        }
    }

    @Test("a large upload is read from its source only as fast as the server takes it, and arrives whole")
    func largeUpload() async throws {
        let total = 4_000_000
        try await ClientHarness.run { connection, _ in
            _ = try await connection.readHead()
            var sum = 0
            var count = 0
            while count < total {
                let bytes = try await connection.read(min(100_000, total - count))
                count += bytes.count
                for byte in bytes { sum &+= Int(byte) }
            }
            try await connection.answer("\(sum)")
        } _: { harness in
            let source = CountingSource(total: Int64(total))
            let answer = try await harness.client.send(
                OutboundRequest(.post, harness.url(), body: .stream(length: Int64(total), source)))
            #expect(answer.body == Array("\(source.sum)".utf8))
        }
    }

    @Test("a server that doesn't read makes the source wait")
    func uploadBackpressure() async throws {
        let go = Gate()
        try await ClientHarness.run { connection, _ in
            _ = try await connection.readHead()
            await go.wait()
            var left = 200_000_000
            while left > 0 { left -= try await connection.read(min(1_000_000, left)).count }
            try await connection.answer("ok")
        } _: { harness in
            let source = CountingSource(total: 200_000_000)
            async let answer = harness.client.send(
                OutboundRequest(.post, harness.url(), body: .stream(length: 200_000_000, source)))
            // Many turns without progress: every buffer on the way is full.
            var quiet = 0
            var seen: Int64 = 0
            while quiet < 200 || seen == 0 {
                await harness.loop.yieldToPoll()
                quiet = source.given == seen ? quiet + 1 : 0
                seen = source.given
            }
            #expect(seen < 50_000_000)
            go.open()
            let status = try await answer.status
            #expect(status == 200)
            #expect(source.given == 200_000_000)
        }
    }

    @Test(
        "a transfer can be ended from outside before its answer came, and the server sees it", arguments: [false, true])
    func stoppedFromOutside(hasHead: Bool) async throws {
        let (asked, ask) = AsyncStream.makeStream(of: Void.self)
        let (left, leave) = AsyncStream.makeStream(of: Void.self)
        try await ClientHarness.run(script: { connection, _ in
            _ = try await connection.readHead()
            if hasHead { try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n") }
            ask.yield()
            await connection.untilPeerCloses()
            leave.yield()
        }) { harness in
            var stopper: Task<Void, Never>?
            do {
                try await harness.client.stream(
                    OutboundRequest(.get, harness.url()),
                    starting: { stop in
                        stopper = Task(executorPreference: harness.loop) {
                            for await _ in asked { break }
                            stop.now()
                        }
                    }
                ) { _, body in
                    while try await body.next() != nil {}
                }
                Issue.record("it ended in order")
            } catch let error as HTTPClientError {
                #expect(error.code == .cancelled)
            }
            await stopper?.value
            for await _ in left { break }
        }
    }

    @Test("a streamed answer is handed out as it comes, and the server waits for a slow reader")
    func streamedAnswer() async throws {
        let sent = Mutex(0)
        try await ClientHarness.run { connection, _ in
            _ = try await connection.readHead()
            try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
            for _ in 0..<100 {
                try await connection.send([UInt8](repeating: 5, count: 1_000_000))
                sent.withLock { $0 += 1 }
            }
        } _: { harness in
            let count = try await harness.client.stream(OutboundRequest(.get, harness.url())) { head, body in
                #expect(head.status == 200)
                #expect(head.fields[.contentLength] == "100000000")
                var quiet = 0
                var seen = 0
                while quiet < 200 {
                    await harness.loop.yieldToPoll()
                    let now = sent.withLock { $0 }
                    quiet = now == seen ? quiet + 1 : 0
                    seen = now
                }
                #expect(seen < 50)
                var count = 0
                while let bytes = try await body.next() { count += bytes.count }
                return count
            }
            #expect(count == 100_000_000)
        }
    }

    @Test("the head of a streamed answer is there before its body")
    func headFirst() async throws {
        let go = Gate()
        try await ClientHarness.run { connection, _ in
            _ = try await connection.readHead()
            try await connection.send("HTTP/1.1 103 Early Hints\r\nX-A: no\r\n\r\nHTTP/1.1 200 OK\r\nX-A: b\r\n")
            try await connection.send("Transfer-Encoding: chunked\r\n\r\n")
            await go.wait()
            try await connection.send("2\r\nhi\r\n0\r\nX-Trailer: x\r\n\r\n")
        } _: { harness in
            try await harness.client.stream(OutboundRequest(.get, harness.url())) { head, body in
                #expect(head.fields.values("X-A") == ["b"])
                go.open()
                let parts = [try await body.next(), try await body.next(), try await body.next()]
                #expect(parts == [Array("hi".utf8), nil, nil])
            }
        }
    }

    @Test("who leaves a streamed answer early closes its connection")
    func leavesEarly() async throws {
        let closed = Gate()
        try await ClientHarness.run { connection, _ in
            _ = try await connection.readHead()
            try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx")
            await connection.untilPeerCloses()
            closed.open()
        } _: { harness in
            try await harness.client.stream(OutboundRequest(.get, harness.url())) { _, _ in }
            await closed.wait()
        }
    }

    @Test("redirects are followed up to the limit, and not for requests with a body")
    func redirects() async throws {
        try await ClientHarness.run { connection, _ in
            while let (head, _) = try await connection.readRequest() {
                let isLast = head.hasPrefix("GET /2")
                let target = head.hasPrefix("GET /1") ? "/2" : "/1"
                if isLast {
                    try await connection.answer("there")
                } else {
                    try await connection.answer("moved", status: "302 Found", fields: "Location: \(target)\r\n")
                }
            }
        } _: { harness in
            var request = OutboundRequest(.get, harness.url("/0"))
            #expect(await harness.status(request) == 302)
            request.followRedirects = 2
            #expect(await harness.text(request) == "there")
            request.followRedirects = 1
            #expect(await harness.failure(request)?.code == .outcomeUnknown)
            var post = OutboundRequest(.post, harness.url("/0"), body: .bytes([1]))
            post.followRedirects = 2
            #expect(await harness.status(post) == 302)
        }
    }

    @Test("many requests at once share the connections that are allowed")
    func concurrency() async throws {
        var configuration = CurlClient.Configuration()
        configuration.connectionsPerHost = 4
        try await ClientHarness.run(configuration: configuration) { connection, _ in
            while let (head, body) = try await connection.readRequest() {
                await connection.socket.loop.yieldToPoll()
                try await connection.answer("\(head.split(separator: " ")[1])\(body)")
            }
        } _: { harness in
            try await withThrowingTaskGroup { group in
                for number in 0..<100 {
                    group.addTask {
                        let body = Array("\(number)".utf8)
                        let answer = try await harness.client.send(
                            OutboundRequest(.post, harness.url("/\(number)/"), body: .bytes(body)))
                        #expect(answer.body == Array("/\(number)/\(number)".utf8))
                    }
                }
                try await group.waitForAll()
            }
            #expect(harness.server.connectionCount <= 4)
        }
    }

    @Test("a client serves tasks of other threads")
    func otherThreads() async throws {
        try await ClientHarness.run { connection, _ in
            while try await connection.readRequest() != nil { try await connection.answer("ok") }
        } _: { harness in
            let client = harness.client
            let url = harness.url()
            // Swift's own threads, not the loop's.
            let statuses = await withTaskGroup(of: Int.self) { group in
                for _ in 0..<20 {
                    group.addTask(executorPreference: globalConcurrentExecutor) {
                        (try? await client.send(OutboundRequest(.get, url)).status) ?? 0
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses == Array(repeating: 200, count: 20))
        }
    }
}
