public import HTTPTypes

/// One part of a multipart body. Its data must be read before the next part is asked for; what isn't read is skipped.
public struct MultipartPart {
    /// The form field's name.
    public let name: String
    /// The file's name as the client wrote it, path and all: not to be trusted. Nil for a part that is no file.
    public let filename: String?
    /// The media type that the client claims.
    public let contentType: MediaType?
    /// All fields of the part's head.
    public let fields: HTTPFields

    private let reader: MultipartReader
    private let number: Int

    /// Reads the lines of a part's head, each with its CRLF.
    init(head: [UInt8], number: Int, reader: MultipartReader, limits: MultipartLimits) throws(HTTPServerError) {
        let fields = try Self.parse(head, limits: limits)
        guard let text = fields[.contentDisposition], let disposition = ContentDisposition(text) else {
            throw .multipart("a part has no Content-Disposition")
        }
        guard disposition.type == "form-data", let name = disposition.name else {
            throw .multipart("a part has no field name")
        }
        self.name = name
        filename = disposition.filename
        contentType = fields[.contentType].flatMap { MediaType($0) }
        self.fields = fields
        self.reader = reader
        self.number = number
    }

    private static func parse(_ head: [UInt8], limits: MultipartLimits) throws(HTTPServerError) -> HTTPFields {
        var fields = HTTPFields()
        for line in head.split(separator: ASCII.lineFeed) {
            guard fields.count < limits.headFields else { throw .multipart("a part's head has too many fields") }
            let content = line.dropLast()  // the CR
            guard let colon = content.firstIndex(of: ASCII.colon),
                let name = HTTPField.Name(String(decoding: content[..<colon], as: UTF8.self)),
                content.allSatisfy(ASCII.isFieldValue)
            else { throw .multipart("a line of a part's head is malformed") }
            let value = String(decoding: content[(colon + 1)...], as: UTF8.self)
            fields.append(name, String(ASCII.trimmed(value[...])))
        }
        return fields
    }

    /// The next bytes of the part's data, as a view that is valid until the next call; nil at the part's end.
    /// - Throws: `multipartTruncated`, `malformedMultipart`, and what `RequestBody.next()` throws.
    public func next() async throws(HTTPServerError) -> UnsafeRawBufferPointer? {
        try await reader.nextData(ofPart: number)
    }

    /// The part's whole data.
    /// - Parameter limit: bytes that the caller is ready to hold.
    /// - Returns: the bytes.
    /// - Throws: `bodyTooLarge`, else as `next()`.
    public func collect(upTo limit: Int) async throws(HTTPServerError) -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try await next() {
            guard piece.count <= limit - bytes.count else {
                throw HTTPServerError(.bodyTooLarge, "the form field \"\(name)\" has more than \(limit) bytes")
            }
            bytes.append(contentsOf: piece)
        }
        return bytes
    }
}
