import Testing

@testable import HTTPServer

@Suite("Chunked coding")
struct ChunkedDecoderTests {
    private func decode(_ pieces: [[UInt8]]) throws(HTTPServerError) -> (data: [UInt8], isFinished: Bool, rest: Int) {
        var decoder = ChunkedDecoder()
        var data: [UInt8] = []
        var rest = 0
        for piece in pieces {
            var position = 0
            try piece.withUnsafeBufferPointer { bytes throws(HTTPServerError) in
                while let range = try decoder.next(in: bytes, from: &position) { data += bytes[range] }
            }
            rest += piece.count - position
        }
        return (data, decoder.isFinished, rest)
    }

    @Test("data comes out whole, however the input is cut", arguments: 1...60)
    func randomCuts(seed: Int) throws {
        var pieces = Pieces(seed: UInt64(seed))
        let data = pieces.bytes(1 + pieces.random(below: 5000))
        var coded: [UInt8] = []
        for chunk in pieces.cut(data, longest: 700) {
            coded += Array("\(String(chunk.count, radix: 16, uppercase: seed % 2 == 0))".utf8)
            if seed % 3 == 0 { coded += Array(";name=\"value\"".utf8) }
            coded += [13, 10] + chunk + [13, 10]
        }
        coded += Array("0\r\nTrailer: x\r\nOther:\r\n\r\n".utf8)
        for longest in [1, 3, 100, coded.count] {
            let result = try decode(pieces.cut(coded, longest: longest))
            #expect(result.data == data)
            #expect(result.isFinished)
            #expect(result.rest == 0)
        }
        let followed = try decode([coded + Array("GET /".utf8)])
        #expect(followed.rest == 5)
    }

    @Test(
        "refuses what is malformed, whole and byte by byte",
        arguments: [
            "\r\n", "g\r\n", " 5\r\n", "5 \r\n", "0x5\r\n", "-1\r\n", "5\n", "5\r5", "5\r\nabcdefg\r\n", "5\r\nabcde\n",
            "8000000000000000\r\n", "fffffffffffffffff\r\n", "00000000000000000\r\n", ";x\r\n",
            "5;x\0\r\n", "5;x\n", "0\r\n X: y\r\n", "0\r\nX\r\n", "0\r\nX : y\r\n", "0\r\nX: y\n\r\n", "0\r\n\n",
            "0\r\nX: \0\r\n",
            "5;" + String(repeating: "x", count: 300), "0\r\nX: " + String(repeating: "x", count: 9000),
        ])
    func refuses(text: String) {
        for pieces in [[Array(text.utf8)], text.utf8.map { [$0] }] {
            #expect { try decode(pieces) } throws: { ($0 as? HTTPServerError)?.code == .malformedChunk }
        }
    }
}
