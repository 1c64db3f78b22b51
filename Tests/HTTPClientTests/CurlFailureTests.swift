import HTTPClient
import HTTPTypes
import Reactor
import Synchronization
import TestSupport
import Testing

@Suite("What a failed request may have done")
struct CurlFailureTests {
    private struct Broken: Error {}

    private final class BrokenSource: BodySource {
        func read(upTo limit: Int) async throws -> [UInt8] { throw Broken() }
        func rewind() async throws -> Bool { false }
    }

    @Test("refused, unresolvable and malformed: nothing was sent")
    func notSent() async throws {
        try await ClientHarness.run { _, _ in
        } _: { harness in
            harness.server.stop()
            let refused = await harness.failure(OutboundRequest(.post, harness.url(), body: .bytes([1])))
            #expect(refused?.code == .notSent)
            #expect(refused?.mayHaveArrived == false)
            #expect(await harness.failure(OutboundRequest(.get, "http://no-such-host.invalid/"))?.code == .notSent)
            for url in ["http://", "ftp://127.0.0.1/", "http://a b/", "file:///etc/passwd", "http://[::1/", ""] {
                let error = await harness.failure(OutboundRequest(.get, url))
                #expect(error?.code == .invalidRequest, "\(url): \(String(describing: error))")
            }
        }
    }

    @Test("a server that speaks no TLS gets nothing of the request")
    func tlsFails() async throws {
        try await ClientHarness.run { connection, _ in
            _ = try await connection.read(1)
            try await connection.send("HTTP/1.1 400 Bad Request\r\n\r\n")
        } _: { harness in
            let url = "https://127.0.0.1:\(harness.server.address.port)/"
            #expect(await harness.failure(OutboundRequest(.post, url, body: .bytes([1])))?.code == .notSent)
        }
    }

    @Test(
        "a connection that dies after the request was taken leaves the outcome open",
        arguments: [
            "", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", "HTTP/1.1 200 OK\r\nConte", "garbage\r\n\r\n",
        ])
    func outcomeUnknown(answer: String) async throws {
        try await ClientHarness.run { connection, _ in
            _ = try await connection.readRequest()
            try await connection.send(answer)
        } _: { harness in
            let error = await harness.failure(OutboundRequest(.post, harness.url(), body: .bytes([1])))
            #expect(error?.code == .outcomeUnknown)
            #expect(error?.mayHaveArrived == true)
        }
    }

    @Test("a request on a pooled connection that dies is not repeated when it has a body")
    func pooledDies() async throws {
        let heads = Mutex(0)
        try await ClientHarness.run { connection, number in
            while let (head, _) = try await connection.readRequest() {
                heads.withLock { $0 += 1 }
                if head.hasPrefix("POST") { return connection.reset() }
                try await connection.answer("ok")
            }
        } _: { harness in
            #expect(await harness.status(OutboundRequest(.get, harness.url())) == 200)
            let error = await harness.failure(OutboundRequest(.post, harness.url(), body: .bytes([1, 2, 3])))
            #expect(error?.code == .outcomeUnknown)
            // libcurl may have opened another connection before it saw that the body can't be read again; it stays silent.
            #expect(await harness.status(OutboundRequest(.get, harness.url())) == 200)
            #expect(heads.withLock { $0 } == 3)
        }
    }

    @Test("an empty POST has a connection of its own, so that nothing repeats it")
    func emptyPost() async throws {
        try await ClientHarness.run { connection, _ in
            while let (head, _) = try await connection.readRequest() {
                if head.hasPrefix("POST") { #expect(head.contains("\r\nContent-Length: 0\r\n")) }
                try await connection.answer("ok")
            }
        } _: { harness in
            #expect(await harness.status(OutboundRequest(.get, harness.url())) == 200)
            #expect(await harness.status(OutboundRequest(.post, harness.url())) == 200)
            #expect(harness.server.connectionCount == 2)
        }
    }

    @Test("a complete answer counts although the server closes before it has read the body")
    func earlyAnswer() async throws {
        try await ClientHarness.run { connection, _ in
            _ = try await connection.readHead()
            try await connection.answer("no", status: "413 Content Too Large", fields: "Connection: close\r\n")
            connection.socket.shutdownWrite()
            await connection.untilPeerCloses()
        } _: { harness in
            let answer = try await harness.client.send(
                OutboundRequest(
                    .post, harness.url(), body: .stream(length: 50_000_000, CountingSource(total: 50_000_000))))
            #expect(answer.status == 413)
            #expect(answer.body == Array("no".utf8))
        }
    }

    @Test("a silent server times out, and the outcome is open")
    func timesOut() async throws {
        try await ClientHarness.run { connection, _ in
            _ = try await connection.readHead()
            await connection.untilPeerCloses()
        } _: { harness in
            var request = OutboundRequest(.get, harness.url())
            request.timeouts.total = .milliseconds(100)
            let error = await harness.failure(request)
            #expect(error?.code == .timedOut)
            #expect(error?.mayHaveArrived == true)
        }
    }

    @Test("an answer that stalls is given up")
    func stalls() async throws {
        try await ClientHarness.run { connection, _ in
            _ = try await connection.readHead()
            try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")
            await connection.untilPeerCloses()
        } _: { harness in
            var request = OutboundRequest(.get, harness.url())
            request.timeouts.stall = .seconds(1)
            #expect(await harness.failure(request)?.code == .timedOut)
        }
    }

    @Test("a body's source that fails, or differs from its length, aborts the request")
    func sourceFails() async throws {
        try await ClientHarness.run { connection, _ in
            _ = try await connection.readHead()
            await connection.untilPeerCloses()
        } _: { harness in
            for body in [
                OutboundRequest.Body.stream(length: 5, BrokenSource()), .stream(length: nil, BrokenSource()),
                .stream(length: 5, BytesSource([1, 2])), .stream(length: 1, BytesSource([1, 2])),
                .multipart([.file(name: "a", filename: "b", length: 5, source: BytesSource([1, 2]))]),
                .multipart([.file(name: "a", filename: "b", length: 1, source: BytesSource([1, 2]))]),
            ] {
                let error = await harness.failure(OutboundRequest(.post, harness.url(), body: body))
                #expect(error?.code == .sourceFailed)
            }
        }
    }

    @Test("an answer beyond the bound is refused, not held")
    func tooLarge() async throws {
        try await ClientHarness.run { connection, _ in
            _ = try await connection.readHead()
            try await connection.answer(String(repeating: "x", count: 2_000))
        } _: { harness in
            var request = OutboundRequest(.get, harness.url())
            request.maximumBody = 1_999
            #expect(await harness.failure(request)?.code == .tooLarge)
            request.maximumBody = 2_000
            #expect(await harness.failure(request) == nil)
        }
    }

    @Test("cancelling the task aborts the transfer at once")
    func cancelled() async throws {
        let arrived = Gate()
        let closed = Gate()
        try await ClientHarness.run { connection, _ in
            _ = try await connection.readHead()
            arrived.open()
            await connection.untilPeerCloses()
            closed.open()
        } _: { harness in
            let task = Task(executorPreference: harness.loop) {
                await harness.failure(OutboundRequest(.get, harness.url()))
            }
            await arrived.wait()
            task.cancel()
            #expect(await task.value?.code == .cancelled)
            await closed.wait()
        }
    }

    @Test("closing the client ends what is under way, and refuses what comes")
    func closes() async throws {
        let arrived = Gate()
        try await ClientHarness.run { connection, _ in
            _ = try await connection.readHead()
            arrived.open()
            await connection.untilPeerCloses()
        } _: { harness in
            async let first = harness.failure(OutboundRequest(.get, harness.url()))
            await arrived.wait()
            await harness.client.close()
            #expect(await first?.code == .cancelled)
            let late = await harness.failure(OutboundRequest(.get, harness.url()))
            #expect(late?.code == .cancelled)
            #expect(late?.mayHaveArrived == false)
        }
    }
}
