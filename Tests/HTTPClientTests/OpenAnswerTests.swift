import HTTPClient
import HTTPTypes
import Reactor
import TestSupport
import Testing

@Suite("An answer that is left open")
struct OpenAnswerTests {
    @Test("its head is there before its body, which comes as it is asked for")
    func read() async throws {
        try await ClientHarness.run { connection, _ in
            _ = try await connection.readHead()
            try await connection.send("HTTP/1.1 206 Partial\r\nX-A: b\r\nContent-Length: 10\r\n\r\n01234")
            _ = try await connection.readHead()
            try await connection.send("56789")
            _ = try await connection.readHead()
        } _: { harness in
            let answer = try await harness.client.open(OutboundRequest(.get, harness.url()))
            #expect(answer.head.status == 206)
            #expect(answer.head.fields["x-a"] == "b")
            var body: [UInt8] = []
            while body.count < 5, let bytes = try await answer.next() { body += bytes }
            #expect(body == Array("01234".utf8))
            answer.close()
            await #expect(throws: HTTPClientError.self) { try await answer.next() }
        }
    }

    @Test("closes its connection with its last reference")
    func dropped() async throws {
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        try await ClientHarness.run { connection, _ in
            _ = try await connection.readHead()
            try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0")
            await connection.untilPeerCloses()
            end.finish()
        } _: { harness in
            func drop() async throws {
                let answer = try await harness.client.open(OutboundRequest(.get, harness.url()))
                #expect(try await answer.next() == Array("0".utf8))
            }
            try await drop()
            for await _ in ended {}
        }
    }

    @Test("a cancelled task gets no more of it")
    func cancelled() async throws {
        let (asked, ask) = AsyncStream.makeStream(of: Void.self)
        try await ClientHarness.run { connection, _ in
            _ = try await connection.readHead()
            try await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
            ask.finish()
            await connection.untilPeerCloses()
        } _: { harness in
            let reading = Task(executorPreference: harness.loop) { () -> HTTPClientError.Code? in
                do throws(HTTPClientError) {
                    let answer = try await harness.client.open(OutboundRequest(.get, harness.url()))
                    _ = try await answer.next()
                    return nil
                } catch {
                    return error.code
                }
            }
            for await _ in asked {}
            reading.cancel()
            #expect(await reading.value == .cancelled)
        }
    }

    @Test("a request with a streamed body can't be left open")
    func streamedBody() async throws {
        try await ClientHarness.run { _, _ in
        } _: { harness in
            let body = OutboundRequest.Body.stream(length: 1, BytesSource([1]))
            await #expect(throws: HTTPClientError.self) {
                try await harness.client.open(OutboundRequest(.put, harness.url(), body: body))
            }
        }
    }

    @Test("a path is sent as it stands where that is asked for, and made shorter where not")
    func keepsPath() async throws {
        try await ClientHarness.run { connection, _ in
            while let head = try await connection.readHead() {
                try await connection.answer(String(head.split(separator: " ")[1]))
            }
        } _: { harness in
            var request = OutboundRequest(.get, harness.url("/a/../b/./c//d"))
            #expect(await harness.text(request) == "/b/c//d")
            request.keepsPath = true
            #expect(await harness.text(request) == "/a/../b/./c//d")
        }
    }
}
