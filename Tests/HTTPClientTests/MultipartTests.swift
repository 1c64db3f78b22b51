import HTTPClient
import HTTPTypes
import TestSupport
import Testing

@Suite("Forms")
struct MultipartTests {
    @Test("fields and files are laid out as RFC 7578 wants, with the whole length announced")
    func layout() async throws {
        try await ClientHarness.run { connection, _ in
            guard let (head, body) = try await connection.readRequest() else { return }
            let mark = "Content-Type: multipart/form-data; boundary="
            let line = head.split(separator: "\r\n").first { $0.hasPrefix(mark) }
            let boundary = line.map { $0.dropFirst(mark.utf8.count) } ?? "none"
            #expect(head.split(separator: "\r\n").filter { $0.hasPrefix("Content-Type") }.count == 1)
            let expected =
                "--\(boundary)\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n"
                + "--\(boundary)\r\nContent-Disposition: form-data; name=\"images\"; filename=\"x%22%0D%0A.jpg\"\r\n"
                + "Content-Type: image/jpeg\r\n\r\n123\r\n"
                + "--\(boundary)\r\nContent-Disposition: form-data; name=\"images\"; filename=\"ä.jpg\"; "
                + "filename*=UTF-8''%C3%A4.jpg\r\nContent-Type: application/octet-stream\r\n\r\n\r\n"
                + "--\(boundary)--\r\n"
            #expect(body == expected)
            try await connection.answer("ok")
        } _: { harness in
            let fields: [MultipartField] = [
                .text(name: "a", value: "b"),
                .file(
                    name: "images", filename: "x\"\r\n.jpg", contentType: "image/jpeg", length: 3,
                    source: BytesSource(Array("123".utf8))),
                .file(name: "images", filename: "ä.jpg", length: 0, source: BytesSource([])),
            ]
            let answer = try await harness.client.send(
                OutboundRequest(.post, harness.url(), fields: ["Content-Type": "text/x"], body: .multipart(fields)))
            #expect(answer.status == 200)
        }
    }

    @Test("lengths that overflow or are negative are refused")
    func lengths() async throws {
        try await ClientHarness.run { _, _ in
        } _: { harness in
            for lengths in [[Int64.max, 1], [-1]] {
                let fields = lengths.map { length in
                    MultipartField.file(name: "a", filename: "b", length: length, source: BytesSource([]))
                }
                let error = await harness.failure(OutboundRequest(.post, harness.url(), body: .multipart(fields)))
                #expect(error?.code == .invalidRequest)
            }
        }
    }
}
