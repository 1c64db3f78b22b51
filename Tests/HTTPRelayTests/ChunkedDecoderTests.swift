import HTTPRelay
import Testing

@Suite("Chunked bodies")
struct ChunkedDecoderTests {
    /// Decodes a text in pieces; returns the data and how many bytes came after the body's end, nil without an end.
    private func decode(_ text: String, pieces: Int) throws -> (data: String, surplus: Int?) {
        var decoder = ChunkedDecoder()
        var data: [UInt8] = []
        let bytes = Array(text.utf8)
        var start = 0
        while start < bytes.count {
            let piece = Array(bytes[start..<min(start + pieces, bytes.count)])
            var position = 0
            loop: while true {
                let step = try piece.withUnsafeBytes { try decoder.next(in: $0, from: &position) }
                switch step {
                case .data(let range): data += piece[range]
                case .needsMore: break loop
                case .end(let index):
                    return (String(decoding: data, as: UTF8.self), bytes.count - start - index)
                }
            }
            start += piece.count
        }
        return (String(decoding: data, as: UTF8.self), nil)
    }

    @Test("data, extensions and trailers are told apart, however the bytes are cut", arguments: [1, 2, 3, 7, 1_000])
    func decodes(pieces: Int) throws {
        let text = "5\r\nhello\r\n6;a=\"b\"\r\n world\r\n00a  \r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
        let (data, surplus) = try decode(text + "HTTP", pieces: pieces)
        #expect(data == "hello world0123456789")
        #expect(surplus == 4)
        #expect(try decode(String(text.dropLast()), pieces: pieces).surplus == nil)
    }

    @Test(
        "broken chunks are refused",
        arguments: [
            "\r\n", "x\r\n", "-1\r\n", "5\nhello", "5\r\nhelloX", "5\r\nhello\rX", "1000000000000000\r\n",
            "0x5\r\nhello",
            "5 x\r\nhello", "5;\u{1}\r\nhello", "0\r\nA: \u{0}\r\n\r\n", "0\r\n\rx", "+5\r\nhello",
        ])
    func refused(text: String) {
        #expect(throws: RelayError.self) { try decode(text, pieces: 1_000) }
        #expect(throws: RelayError.self) { try decode(text, pieces: 1) }
    }

    @Test("endless extensions and trailers are refused")
    func bounded() {
        #expect(throws: RelayError.self) { try decode("5;" + String(repeating: "a", count: 5_000), pieces: 100) }
        #expect(throws: RelayError.self) {
            try decode("0\r\n" + String(repeating: "a: b\r\n", count: 5_000), pieces: 100)
        }
    }
}
