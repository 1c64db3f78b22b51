import HTTPTypes
import Testing

@Suite("Chunked coding")
struct ChunkedDecoderTests {
    struct Result: Equatable {
        var data: [UInt8] = []
        var isFinished = false
        /// Bytes after the body's end.
        var rest = 0
    }

    private func decode(
        _ coded: [UInt8], _ rules: ChunkedDecoder.Rules, pieces: Int
    ) throws -> Result {
        var decoder = ChunkedDecoder(rules)
        var result = Result()
        for start in stride(from: 0, to: coded.count, by: pieces) {
            let piece = Array(coded[start..<min(start + pieces, coded.count)])
            var position = 0
            try piece.withUnsafeBytes { bytes in
                while let range = try decoder.next(in: bytes, from: &position) { result.data += bytes[range] }
            }
            result.rest += piece.count - position
        }
        result.isFinished = decoder.isFinished
        return result
    }

    @Test("data comes out whole, however the input is cut", arguments: [1, 2, 3, 7, 100, 5000, 100_000])
    func cuts(pieces: Int) throws {
        var (data, coded): ([UInt8], [UInt8]) = ([], [])
        for number in 1...60 {
            let chunk = (0..<number * 37 % 701 + 1).map { UInt8(truncatingIfNeeded: $0 * 31 + number) }
            data += chunk
            let size = String(chunk.count, radix: 16, uppercase: number % 2 == 0)
            coded += Array("\(number % 4 == 0 ? "00" : "")\(size)".utf8)
            if number % 3 == 0 { coded += Array(";name=\"value\"".utf8) }
            coded += [13, 10] + chunk + [13, 10]
        }
        coded += Array("0\r\nTrailer: x\r\nOther:\r\n\r\n".utf8)
        for rules in [ChunkedDecoder.Rules.request, .response] {
            let whole = Result(data: data, isFinished: true)
            #expect(try decode(coded, rules, pieces: pieces) == whole)
            #expect(try decode(coded + Array("GET /".utf8), rules, pieces: pieces).rest == 5)
            #expect(try !decode(coded.dropLast(), rules, pieces: pieces).isFinished)
        }
    }

    @Test(
        "what is malformed is refused of everybody, whole and byte by byte",
        arguments: [
            "\r\n", "g\r\n", " 5\r\n", "0x5\r\n", "-1\r\n", "+5\r\n", "5\n", "5\r5", "5\r\nabcdefg\r\n",
            "5\r\nabcde\n", "5\r\nhello\rX", "8000000000000000\r\n", "fffffffffffffffff\r\n", "00000000000000000\r\n",
            ";x\r\n", "5 x\r\n", "5;x\0\r\n", "5;\u{1}\r\n", "5;x\n", "0\r\n X: y\r\n", "0\r\nX\r\n", "0\r\nX : y\r\n",
            "0\r\nX: y\n\r\n", "0\r\n\n", "0\r\n\rx", "0\r\nX: \0\r\n", "5;" + String(repeating: "x", count: 5000),
            "5" + String(repeating: " ", count: 5000), "0\r\nX: " + String(repeating: "x", count: 20_000),
            "0\r\n" + String(repeating: "a: b\r\n", count: 5000),
        ])
    func refuses(text: String) {
        for rules in [ChunkedDecoder.Rules.request, .response] {
            for pieces in [1, text.utf8.count] {
                #expect(throws: ChunkedDecoder.Malformed.self) {
                    try decode(Array(text.utf8), rules, pieces: pieces)
                }
            }
        }
    }

    @Test(
        "of a server some is taken that of a client is refused",
        arguments: [
            "5  \r\nhello\r\n0\r\n\r\n", "5 \t;a=b\r\nhello\r\n0 \r\n\r\n",
            "5;" + String(repeating: "x", count: 300) + "\r\nhello\r\n0\r\n\r\n",
            "5\r\nhello\r\n0\r\nX: " + String(repeating: "x", count: 9000) + "\r\n\r\n",
        ])
    func lenient(text: String) throws {
        let coded = Array(text.utf8)
        for pieces in [1, coded.count] {
            #expect(
                try decode(coded, .response, pieces: pieces) == Result(data: Array("hello".utf8), isFinished: true))
            #expect(throws: ChunkedDecoder.Malformed.self) { try decode(coded, .request, pieces: pieces) }
        }
    }
}
