internal import HTTPTypes

/// One part of a `multipart/form-data` body (RFC 7578).
public enum MultipartField: Sendable {
    /// A plain field.
    case text(name: String, value: String)
    /// A file, streamed from its source, which has to hold exactly `length` bytes.
    case file(
        name: String, filename: String, contentType: String = "application/octet-stream", length: Int64,
        source: any BodySource)

    /// The part's head, with its empty line.
    var head: String {
        switch self {
        case .text(let name, _):
            return "Content-Disposition: form-data; name=\"\(Self.quoted(name))\"\r\n\r\n"
        case .file(let name, let filename, let contentType, _, _):
            let type = contentType.utf8.allSatisfy(ASCII.isFieldValue) ? contentType : "application/octet-stream"
            let names = "name=\"\(Self.quoted(name))\"; filename=\"\(Self.quoted(filename))\"\(Self.extended(filename))"
            return "Content-Disposition: form-data; \(names)\r\nContent-Type: \(type)\r\n\r\n"
        }
    }

    /// As browsers do (WHATWG HTML, multipart/form-data encoding algorithm): quotes and line breaks percent-encoded, the
    /// rest as it is.
    private static func quoted(_ text: String) -> String {
        var output: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case ASCII.quote: output += Array("%22".utf8)
            case ASCII.carriageReturn: output += Array("%0D".utf8)
            case ASCII.lineFeed: output += Array("%0A".utf8)
            case 0: output += Array("%00".utf8)
            default: output.append(byte)
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// `filename*` for names beyond ASCII: Node's parser (busboy) reads `filename` as Latin-1 unless this stands beside it.
    private static func extended(_ filename: String) -> String {
        guard filename.utf8.contains(where: { $0 > 127 }) else { return "" }
        return "; filename*=UTF-8''\(PercentEncoding.encode(filename))"
    }
}
