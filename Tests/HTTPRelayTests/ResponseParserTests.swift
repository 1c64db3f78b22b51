import HTTPRelay
import HTTPTypes
import Testing

@Suite("Heads of answers")
struct ResponseParserTests {
    private func parse(_ text: String, toHead: Bool = false) throws -> ResponseParser.Outcome {
        var parser = ResponseParser()
        return try Array(text.utf8).withUnsafeBytes { try parser.parse($0, toHead: toHead) }
    }

    private func head(_ text: String, toHead: Bool = false) throws -> ResponseHead {
        guard case .head(let head, let length) = try parse(text, toHead: toHead) else {
            throw RelayError(.badAnswer, "no head")
        }
        #expect(length == text.utf8.count)
        return head
    }

    @Test("a plain head is read with its framing, and without the fields of the connection")
    func plain() throws {
        let head = try head(
            "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 12\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n"
                + "Keep-Alive: timeout=5\r\nContent-Type: text/plain\r\n\r\n")
        #expect(head.status == 200)
        #expect(head.framing == .length(12))
        #expect(head.keepsAlive)
        #expect(head.fields.map(\.name) == ["Server", "Content-Type"])
        #expect(head.fields[.contentType] == "text/plain")
    }

    @Test("a head that comes byte by byte is the same head")
    func byteByByte() throws {
        let text = Array("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-0/9\r\nContent-Length: 1\r\n\r\n".utf8)
        var parser = ResponseParser()
        for count in 0..<text.count {
            guard case .incomplete = try text[..<count].withUnsafeBytes({ try parser.parse($0, toHead: false) }) else {
                Issue.record("complete after \(count) bytes")
                return
            }
        }
        guard case .head(let head, _) = try text.withUnsafeBytes({ try parser.parse($0, toHead: false) }) else {
            Issue.record("not complete")
            return
        }
        #expect(head.status == 206)
    }

    @Test("interim answers are told apart, with their length")
    func interim() throws {
        let text = "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
        guard case .interim(let length) = try parse(text + "HTTP/1.1 200 OK\r\n") else {
            Issue.record("not interim")
            return
        }
        #expect(length == text.utf8.count)
    }

    @Test(
        "the body's framing follows RFC 9112 section 6.3",
        arguments: [
            ("200 OK\r\nContent-Length: 5", false, BodyFraming.length(5)), ("200 OK", false, .untilClose),
            ("200 OK\r\nTransfer-Encoding: Chunked", false, .chunked), ("204 No Content", false, .none),
            ("304 Not Modified\r\nContent-Length: 5", false, .none), ("200 OK\r\nContent-Length: 5", true, .none),
            ("200 OK\r\nTransfer-Encoding: chunked", true, .none),
        ])
    func framing(lines: String, toHead: Bool, expected: BodyFraming) throws {
        #expect(try head("HTTP/1.1 \(lines)\r\n\r\n", toHead: toHead).framing == expected)
    }

    @Test(
        "a connection lives on only where version, Connection and framing allow it",
        arguments: [
            ("HTTP/1.1 200 OK\r\nContent-Length: 0", true), ("HTTP/1.0 200 OK\r\nContent-Length: 0", false),
            ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0", true),
            ("HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 0", false), ("HTTP/1.1 200 OK", false),
        ])
    func keepAlive(lines: String, expected: Bool) throws {
        #expect(try head("\(lines)\r\n\r\n").keepsAlive == expected)
    }

    @Test(
        "whatever two programs could read differently is refused",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: b\u{0}c\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
            "HTTP/1.1 200 OK\r\n: b\r\n\r\n",
            "HTTP/1.1 200 OK\r\nnocolon\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.2 200 OK\r\n\r\n",
            "HTTP/1.1 99 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "http/1.1 200 OK\r\n\r\n",
            "\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 101 Switching\r\n\r\n",
            "ICY 200 OK\r\n\r\n",
            "<html>\r\n\r\n",
        ])
    func refused(text: String) {
        let error = #expect(throws: RelayError.self) { try parse(text) }
        #expect(error?.code == .badAnswer)
    }

    @Test("a head without end is refused at the limit, not kept")
    func endless() {
        let text = "HTTP/1.1 200 OK\r\n" + String(repeating: "A: bbbbbbbbbbbbbbbbbbbb\r\n", count: 3_000)
        #expect(throws: RelayError.self) { try parse(text) }
        #expect(throws: RelayError.self) { try parse("HTTP/1.1 200 OK\r\nA: " + String(repeating: "b", count: 70_000)) }
        let many = "HTTP/1.1 200 OK\r\n" + String(repeating: "A: b\r\n", count: 129) + "\r\n"
        #expect(throws: RelayError.self) { try parse(many) }
    }
}
