import HTTPTypes
import Testing

@testable import HTTPServer

@Suite("Multipart bodies")
struct MultipartTests {
    private struct Part: Equatable {
        var name: String
        var filename: String?
        var data: [UInt8]
    }

    private func read(_ pieces: [[UInt8]], boundary: String?) async throws -> [Part] {
        let reader = try MultipartReader(body: RequestBody(pieces: pieces), boundary: boundary)
        var parts: [Part] = []
        while let part = try await reader.nextPart() {
            parts.append(Part(name: part.name, filename: part.filename, data: try await part.collect(upTo: 1 << 20)))
        }
        return parts
    }

    private func body(_ parts: [Part], boundary: String) -> [UInt8] {
        var bytes: [UInt8] = []
        for part in parts {
            bytes += Array("--\(boundary)\r\nContent-Disposition: form-data; name=\"\(part.name)\"".utf8)
            if let filename = part.filename { bytes += Array("; filename=\"\(filename)\"".utf8) }
            bytes += Array("\r\nContent-Type: application/octet-stream\r\n\r\n".utf8) + part.data + [13, 10]
        }
        return bytes + Array("--\(boundary)--\r\n".utf8)
    }

    @Test("parts come out whole, however the body is cut", arguments: 1...60)
    func randomCuts(seed: Int) async throws {
        var pieces = Pieces(seed: UInt64(seed))
        let boundary = ["x", "----WebKitFormBoundaryAbC123", "a-b_c=d e"][seed % 3]
        // Data that is full of beginnings of the delimiter.
        let lookAlikes = [
            "\r", "\r\n", "\r\n-", "\r\n--", "\r\n--\(boundary.dropLast())", "--\(boundary)", "\n--\(boundary)",
        ]
        var parts: [Part] = []
        for index in 0..<4 {
            var data: [UInt8] = []
            for _ in 0..<pieces.random(below: 12) {
                data += Array(lookAlikes[pieces.random(below: lookAlikes.count)].utf8)
                // A zero between, or two of them in a row could make a real delimiter.
                data += [0] + pieces.bytes(pieces.random(below: 40)) + [0]
            }
            parts.append(Part(name: "p\(index)", filename: index % 2 == 0 ? "f\(index).jpg" : nil, data: data))
        }
        let bytes = body(parts, boundary: boundary)
        for longest in [1, 2, 7, 50, bytes.count] {
            #expect(try await read(pieces.cut(bytes, longest: longest), boundary: boundary) == parts)
        }
    }

    @Test("preamble, blanks behind a boundary and an epilogue are let be")
    func surroundings() async throws {
        let text = "preamble\r\n--x \t\r\ncontent-disposition: form-data; name=a\r\n\r\n1\r\n--x--\r\nepilogue --x"
        #expect(try await read([Array(text.utf8)], boundary: "x") == [Part(name: "a", filename: nil, data: [49])])
    }

    @Test("a body without parts has none", arguments: ["", "--x--", "--x--\r\n"])
    func empty(text: String) async throws {
        #expect(try await read(text.isEmpty ? [] : [Array(text.utf8)], boundary: "x").isEmpty)
    }

    @Test("parts that nobody reads are skipped")
    func skipping() async throws {
        let bytes = body([Part(name: "a", data: [1, 2]), Part(name: "b", data: [3])], boundary: "x")
        let reader = try MultipartReader(body: RequestBody(pieces: bytes.map { [$0] }), boundary: "x")
        #expect(try await reader.nextPart()?.name == "a")
        let second = try await reader.nextPart()
        #expect(second?.name == "b")
        #expect(second?.contentType?.essence == "application/octet-stream")
        #expect(try await reader.nextPart() == nil)
        #expect(try await second?.next() == nil)
    }

    @Test(
        "a missing or malformed boundary is told before anything is read",
        arguments: [nil, "", "a\r\nb", "ü\u{7F}", "x "])
    func boundaries(boundary: String?) async {
        await #expect { try await read([[1]], boundary: boundary) } throws: {
            ($0 as? HTTPServerError)?.code == .malformedMultipart
        }
    }

    static let broken: [(String, HTTPServerError.Code)] = [
        ("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nhalf", .multipartTruncated),
        ("--x\r\nContent-Disp", .multipartTruncated), ("--x", .multipartTruncated), ("--x-", .multipartTruncated),
        ("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x", .multipartTruncated),
        ("no boundary at all", .multipartTruncated), (String(repeating: "y", count: 70_000), .malformedMultipart),
        ("--xy\r\n", .malformedMultipart), ("--x-y", .malformedMultipart), ("--x\n", .malformedMultipart),
        ("--x\r\nContent-Disposition: form-data; name=a\n\n", .malformedMultipart),
        ("--x\r\nContent-Type: text/plain\r\n\r\n", .malformedMultipart),
        ("--x\r\nContent-Disposition: form-data\r\n\r\n", .malformedMultipart),
        ("--x\r\nContent-Disposition: attachment; name=a\r\n\r\n", .malformedMultipart),
        ("--x\r\n\r\n", .malformedMultipart), ("--x\r\nno colon\r\n\r\n", .malformedMultipart),
        ("--x\r\nX: \0\r\n\r\n", .malformedMultipart), ("--x\r\nX: a\r\n b\r\n\r\n", .malformedMultipart),
        ("--x\r\n" + String(repeating: "X: y\r\n", count: 40) + "\r\n", .malformedMultipart),
        ("--x\r\nX: " + String(repeating: "y", count: 17_000), .malformedMultipart),
        ("--x" + String(repeating: " ", count: 100) + "\r\n", .malformedMultipart),
    ]

    @Test("a broken body is a typed error, never a hang", arguments: broken)
    func refuses(text: String, code: HTTPServerError.Code) async {
        var pieces = Pieces(seed: 7)
        let bytes = Array(text.utf8)
        for cut in [[bytes], pieces.cut(bytes, longest: 3)] {
            await #expect { try await read(cut, boundary: "x") } throws: { ($0 as? HTTPServerError)?.code == code }
        }
    }

    @Test("a form field larger than its reader takes is refused")
    func largeField() async throws {
        let bytes = body([Part(name: "a", data: [UInt8](repeating: 1, count: 100))], boundary: "x")
        let reader = try MultipartReader(body: RequestBody(pieces: [bytes]), boundary: "x")
        let part = try await reader.nextPart()
        await #expect { try await part?.collect(upTo: 99) } throws: { ($0 as? HTTPServerError)?.code == .bodyTooLarge }
    }
}
