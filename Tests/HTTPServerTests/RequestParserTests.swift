import HTTPTypes
import Testing

@testable import HTTPServer

@Suite("Parser of request heads")
struct RequestParserTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let head: String
        var code: HTTPServerError.Code?
        var framing = BodyFraming.none
        var keepsAlive = true
        var testDescription: String { name }

        init(
            _ name: String, _ head: String, _ code: HTTPServerError.Code? = nil, framing: BodyFraming = .none,
            keepsAlive: Bool = true
        ) {
            self.name = name
            self.head = head
            self.code = code
            self.framing = framing
            self.keepsAlive = keepsAlive
        }
    }

    static let start = "POST /task HTTP/1.1\r\nHost: h\r\n"

    static let accepted = [
        Case("no body", "GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
        Case("one empty line before the request", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"),
        Case("empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
        Case("Host with a port", "GET / HTTP/1.1\r\nHost: [::1]:3000\r\n\r\n"),
        Case("HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", keepsAlive: false),
        Case("HTTP/1.0 with keep-alive", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"),
        Case("close among other words", start + "Connection: TE , CLOSE\r\n\r\n", keepsAlive: false),
        Case("absolute form", "GET http://node1.example.org/info?token=x HTTP/1.1\r\nHost: other\r\n\r\n"),
        Case("asterisk form", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"),
        Case("length", start + "Content-Length: 5\r\n\r\n", framing: .length(5)),
        Case("length with blanks around", start + "content-LENGTH: \t 5 \t\r\n\r\n", framing: .length(5)),
        Case("length with leading zeros", start + "Content-Length: 0005\r\n\r\n", framing: .length(5)),
        Case("length 0", start + "Content-Length: 0\r\n\r\n"),
        Case(
            "largest length", start + "Content-Length: 9223372036854775807\r\n\r\n",
            framing: .length(.max)),
        Case("chunked", start + "Transfer-Encoding: Chunked\r\n\r\n", framing: .chunked),
        Case("UTF-8 in path and value", "GET /ü HTTP/1.1\r\nHost: h\r\nX: ü\r\n\r\n"),
        Case("empty value", start + "X:\r\n\r\n"),
    ]

    static let refused = [
        Case(
            "Content-Length with Transfer-Encoding", start + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            .badRequest),
        Case(
            "Transfer-Encoding with Content-Length", start + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
            .badRequest),
        Case("two differing lengths", start + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", .badRequest),
        Case("the same length twice", start + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", .badRequest),
        Case("a list of lengths", start + "Content-Length: 5, 5\r\n\r\n", .badRequest),
        Case("negative length", start + "Content-Length: -1\r\n\r\n", .badRequest),
        Case("signed length", start + "Content-Length: +5\r\n\r\n", .badRequest),
        Case("hexadecimal length", start + "Content-Length: 0x5\r\n\r\n", .badRequest),
        Case("length that overflows", start + "Content-Length: 9223372036854775808\r\n\r\n", .badRequest),
        Case("empty length", start + "Content-Length:\r\n\r\n", .badRequest),
        Case("length with a blank inside", start + "Content-Length: 1 2\r\n\r\n", .badRequest),
        Case("unknown coding", start + "Transfer-Encoding: gzip\r\n\r\n", .notImplemented),
        Case("coding before chunked", start + "Transfer-Encoding: gzip, chunked\r\n\r\n", .notImplemented),
        Case("identity", start + "Transfer-Encoding: identity\r\n\r\n", .notImplemented),
        Case("chunked in disguise", start + "Transfer-Encoding: xchunked\r\n\r\n", .notImplemented),
        Case("chunked with vertical tab", start + "Transfer-Encoding: \u{0B}chunked\r\n\r\n", .badRequest),
        Case("chunked twice", start + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", .badRequest),
        Case("chunked for HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .badRequest),
        Case("folded line", start + "X: a\r\n b\r\n\r\n", .badRequest),
        Case("folded line with tab", start + "X: a\r\n\tb\r\n\r\n", .badRequest),
        Case("blank before the first field", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", .badRequest),
        Case("bare LF in the request line", "GET / HTTP/1.1\nHost: h\r\n\r\n", .badRequest),
        Case("bare LF after a field", start + "X: a\nY: b\r\n\r\n", .badRequest),
        Case("bare LF as the end", start + "\n", .badRequest),
        Case("bare CR in a value", start + "X: a\rY: b\r\n\r\n", .badRequest),
        Case("CR CR LF", start + "X: a\r\r\n\r\n", .badRequest),
        Case("bare CR in the target", "GET /\r HTTP/1.1\r\nHost: h\r\n\r\n", .badRequest),
        Case("blank before the colon", start + "Content-Length : 5\r\n\r\n", .badRequest),
        Case("tab before the colon", start + "Transfer-Encoding\t: chunked\r\n\r\n", .badRequest),
        Case("NUL in a value", start + "X: a\0b\r\n\r\n", .badRequest),
        Case("NUL in a name", start + "X\0: a\r\n\r\n", .badRequest),
        Case("NUL in the target", "GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n", .badRequest),
        Case("DEL in a value", start + "X: \u{7F}\r\n\r\n", .badRequest),
        Case("no colon", start + "X\r\n\r\n", .badRequest),
        Case("no name", start + ": x\r\n\r\n", .badRequest),
        Case("name that is no token", start + "X(y): x\r\n\r\n", .badRequest),
        Case("no Host", "GET / HTTP/1.1\r\nX: y\r\n\r\n", .badRequest),
        Case("no field at all", "GET / HTTP/1.1\r\n\r\n", .badRequest),
        Case("two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", .badRequest),
        Case("Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .badRequest),
        Case("Host with a user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", .badRequest),
        Case("Host with a blank", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", .badRequest),
        Case("two blanks in the request line", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", .badRequest),
        Case("blank at the request line's end", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", .badRequest),
        Case("no version", "GET /\r\n\r\n", .badRequest),
        Case("small letters in the version", "GET / http/1.1\r\nHost: h\r\n\r\n", .badRequest),
        Case("two digits in the version", "GET / HTTP/1.10\r\nHost: h\r\n\r\n", .badRequest),
        Case("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .unsupportedVersion),
        Case("HTTP/1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", .unsupportedVersion),
        Case("TLS hello", "\u{16}\u{03}\u{01}\u{02}", .badRequest),
        Case("no method", " / HTTP/1.1\r\nHost: h\r\n\r\n", .badRequest),
        Case("two empty lines before the request", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", .badRequest),
        Case("CONNECT", "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", .notImplemented),
        Case("asterisk with GET", "GET * HTTP/1.1\r\nHost: h\r\n\r\n", .badRequest),
        Case("target without a slash", "GET info HTTP/1.1\r\nHost: h\r\n\r\n", .badRequest),
        Case("fragment", "GET /#x HTTP/1.1\r\nHost: h\r\n\r\n", .badRequest),
        Case("absolute form without authority", "GET http:///x HTTP/1.1\r\nHost: h\r\n\r\n", .badRequest),
        Case("absolute form with a user", "GET http://u@h/x HTTP/1.1\r\nHost: h\r\n\r\n", .badRequest),
        Case("absolute form of another scheme", "GET ftp://h/x HTTP/1.1\r\nHost: h\r\n\r\n", .badRequest),
        Case("other expectation", start + "Expect: fortune\r\n\r\n", .expectationFailed),
        Case("value too long", start + "X: " + String(repeating: "x", count: 5000), .headTooLarge),
        Case("too many fields", start + String(repeating: "X: y\r\n", count: 20) + "\r\n", .headTooLarge),
    ]

    static let limits = HeadLimits(bytes: 4096, fields: 20)

    /// Feeds the pieces one after the other until there is a head or an error.
    private func parse(_ pieces: [[UInt8]]) -> Result<RequestHead?, HTTPServerError> {
        var parser = RequestParser(limits: Self.limits)
        do throws(HTTPServerError) {
            for piece in pieces {
                var consumed = 0
                let head = try piece.withUnsafeBufferPointer { bytes throws(HTTPServerError) in
                    try parser.feed(bytes, consumed: &consumed)
                }
                #expect(consumed == piece.count, "nothing follows the head")
                if let head { return .success(head) }
            }
            return .success(nil)
        } catch {
            return .failure(error)
        }
    }

    /// Whole, in every two pieces, and byte by byte.
    private func cuts(_ text: String) -> [[[UInt8]]] {
        let bytes = Array(text.utf8)
        let step = max(1, bytes.count / 300)
        return [[bytes], bytes.map { [$0] }]
            + stride(from: 1, to: bytes.count, by: step).map { [Array(bytes[..<$0]), Array(bytes[$0...])] }
    }

    @Test("takes what is well-formed, however it is cut", arguments: accepted)
    func accepts(_ test: Case) throws {
        for pieces in cuts(test.head) {
            let head = try parse(pieces).get()
            #expect(head?.framing == test.framing)
            #expect(head?.keepsAlive == test.keepsAlive)
        }
    }

    @Test("refuses what could be read in two ways, however it is cut", arguments: refused)
    func refuses(_ test: Case) {
        var parser = RequestParser(limits: Self.limits)
        for pieces in cuts(test.head) {
            parser = RequestParser(limits: Self.limits)
            var code: HTTPServerError.Code?
            for piece in pieces where code == nil {
                var consumed = 0
                do throws(HTTPServerError) {
                    _ = try piece.withUnsafeBufferPointer { bytes throws(HTTPServerError) in
                        try parser.feed(bytes, consumed: &consumed)
                    }
                } catch {
                    code = error.code
                }
            }
            #expect(code == test.code)
        }
    }

    @Test("a parsed head gives back its parts")
    func parts() throws {
        let text = "PUT http://h.example.org/a%20b?c=d HTTP/1.1\r\nHost: x\r\nX-A:  one two \r\nx-a: three\r\n\r\n"
        let head = try #require(try parse([Array(text.utf8)]).get())
        let request = head.request
        #expect(request.method == .put)
        #expect(request.target == "http://h.example.org/a%20b?c=d")
        #expect(request.path == "/a%20b")
        #expect(request.query == "c=d")
        #expect(request.authority == "h.example.org")
        #expect(request.fields.values("X-A") == ["one two", "three"])
        var wire: [UInt8] = []
        request.fields.write(to: &wire)
        #expect(String(decoding: wire, as: UTF8.self) == "Host: x\r\nX-A:  one two \r\nx-a: three\r\n")
    }

    @Test("what follows a head isn't consumed, and the next head parses")
    func pipelined() throws {
        let text = Array("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\nGET".utf8)
        var parser = RequestParser(limits: Self.limits)
        var position = 0
        for path in ["/1", "/2"] {
            var consumed = 0
            let head = try text[position...].withUnsafeBufferPointer { bytes throws(HTTPServerError) in
                try parser.feed(bytes, consumed: &consumed)
            }
            position += consumed
            #expect(head?.request.path == path)
            #expect(parser.isAtStart)
        }
        #expect(position == text.count - 3)
    }

    @Test("no bytes, however strange, break the parsers", arguments: 1...20)
    func garbage(seed: Int) {
        var pieces = Pieces(seed: UInt64(seed))
        let heads = (Self.accepted + Self.refused).map { Array($0.head.utf8) }
        for _ in 0..<500 {
            var bytes = heads[pieces.random(below: heads.count)]
            for _ in 0..<1 + pieces.random(below: 4) {
                let place = pieces.random(below: bytes.count)
                switch pieces.random(below: 3) {
                case 0: bytes[place] = UInt8(pieces.random(below: 256))
                case 1: bytes.insert([0, 9, 10, 13, 32, 58, 44][pieces.random(below: 7)], at: place)
                default: if bytes.count > 1 { bytes.remove(at: place) }
                }
            }
            let cut = pieces.cut(bytes, longest: 1 + pieces.random(below: bytes.count))
            let codes = [[bytes], cut].map { outcome(of: $0) }
            #expect(codes[0] == codes[1], "\(String(decoding: bytes, as: UTF8.self).debugDescription)")
        }
    }

    /// The error's code, "head", or "more".
    private func outcome(of pieces: [[UInt8]]) -> String {
        var parser = RequestParser(limits: Self.limits)
        do throws(HTTPServerError) {
            for piece in pieces {
                var consumed = 0
                let head = try piece.withUnsafeBufferPointer { bytes throws(HTTPServerError) in
                    try parser.feed(bytes, consumed: &consumed)
                }
                if let head { return "head \(head.framing)" }
            }
            return "more"
        } catch {
            return error.code.rawValue
        }
    }

    @Test("a byte that may not stand in a target, a value or a host is found wherever it stands")
    func strangers() {
        for place in 0..<70 {
            var text = [UInt8](repeating: UInt8(ascii: "a"), count: 70)
            for byte in [UInt8](0x00...0x20) + [0x7F] {
                text[place] = byte
                let isValueByte = byte == 0x20 || byte == 0x09
                #expect(!isTaken("GET /", text, " HTTP/1.1\r\nHost: h\r\n\r\n"), "target \(byte) at \(place)")
                let value = isTaken("GET / HTTP/1.1\r\nHost: h\r\nX: ", text, "\r\n\r\n")
                #expect(value == isValueByte, "value \(byte) at \(place)")
            }
            for byte in [UInt8]("/?\\,\"#@<> \t".utf8) where place > 0 && place < 69 {
                text[place] = byte
                #expect(!isTaken("GET / HTTP/1.1\r\nHost: ", text, "\r\n\r\n"), "host \(byte) at \(place)")
            }
        }
    }

    private func isTaken(_ start: String, _ middle: [UInt8], _ end: String) -> Bool {
        var parser = RequestParser(limits: HeadLimits())
        let bytes = Array(start.utf8) + middle + Array(end.utf8)
        return bytes.withUnsafeBufferPointer { bytes in
            var consumed = 0
            do throws(HTTPServerError) {
                // A target that holds a whole line break is another head, and may be incomplete.
                return try parser.feed(bytes, consumed: &consumed) != nil && consumed == bytes.count
            } catch {
                return false
            }
        }
    }

    @Test("Expect is noted for HTTP/1.1 and ignored for HTTP/1.0")
    func expectations() throws {
        let fields = "Host: h\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n\r\n"
        #expect(try parse([Array("PUT / HTTP/1.1\r\n\(fields)".utf8)]).get()?.expectsContinue == true)
        #expect(try parse([Array("PUT / HTTP/1.0\r\n\(fields)".utf8)]).get()?.expectsContinue == false)
    }
}
