internal import HTTPServer
internal import HTTPTypes
internal import Model
internal import Storage

/// One result that is in object storage, streamed to a client: ranges, validators and length as of a file, one body that waits for
/// its reader.
///
/// The store may end a stream whose client stalls: `S3Reader` goes on where it was, by Range and If-Match (rules, S3).
struct ObjectDownload: Sendable {
    let client: S3Client
    let bucket: String
    let object: S3Object
    /// What the client saves it as.
    let fileName: String

    /// Bytes that are read and written at a time.
    private static let piece = 256 << 10

    /// Answers the request.
    /// - Parameters:
    ///   - request: the client's.
    ///   - response: answered, or closed without an answer where the store gives no bytes.
    ///   - mark: adds what every answer of the API has.
    /// - Throws: `StorageError` for the store, `HTTPServerError` for the client. Nobody can be told of either.
    func run(
        _ request: HTTPRequest, _ response: consuming ResponseWriter, mark: (inout HTTPFields) -> Void
    ) async throws {
        var fields = head
        mark(&fields)
        guard Self.matches(request.fields["If-Match"], object.etag) ?? true else {
            return try await response.send(HTTPResponse(.preconditionFailed, fields: fields))
        }
        if Self.matches(request.fields["If-None-Match"], object.etag) ?? false {
            return try await response.send(HTTPResponse(.notModified, fields: fields))
        }
        let size = object.size.bytes
        let isCurrent = request.fields["If-Range"].map { $0 == object.etag } ?? true
        var range: Range<Int64>?
        switch ByteRange.parse(isCurrent ? request.fields[.range] : nil, size: size) {
        case .whole, .ignored: break
        case .range(let part):
            range = part.first..<(part.last + 1)
            fields.append(.contentRange, part.contentRange(of: size))
        case .unsatisfiable:
            fields.append(.contentRange, ByteRange.unsatisfiedContentRange(of: size))
            return try await response.send(HTTPResponse(.rangeNotSatisfiable, fields: fields))
        }
        let status: HTTPStatus = range == nil ? .ok : .partialContent
        try await send(range, HTTPResponse(status, fields: fields), response)
    }

    private func send(
        _ range: Range<Int64>?, _ head: HTTPResponse, _ response: consuming ResponseWriter
    ) async throws {
        let length = range.map { $0.upperBound - $0.lowerBound } ?? object.size.bytes
        if response.isHead {
            let writer = try await response.start(head, contentLength: length)
            return try await writer.finish()
        }
        let reader: S3Reader
        do throws(StorageError) {
            reader = try await client.open(bucket: bucket, key: object.key, range: range, etag: object.etag)
        } catch {
            response.closeWithoutAnswer()
            throw error
        }
        do {
            var writer = try await response.start(head, contentLength: length)
            while case let bytes = try await reader.read(upTo: Self.piece), !bytes.isEmpty {
                try await writer.write(bytes)
            }
            try await writer.finish()
        } catch {
            await reader.close()
            throw error
        }
        await reader.close()
    }

    private var head: HTTPFields {
        var fields: HTTPFields = [.contentType: Self.type(of: fileName), .acceptRanges: "bytes"]
        fields.append(.contentDisposition, "attachment; filename=\(Self.quoted(fileName))")
        if let etag = object.etag { fields.append(.etag, etag) }
        return fields
    }

    /// Whether a list of entity tags has this one; nil without a list.
    private static func matches(_ list: String?, _ etag: String?) -> Bool? {
        guard let list else { return nil }
        guard let etag else { return false }
        return EntityTag.isListed(etag, in: list)
    }

    /// `all.zip` as NodeODM writes it; anything that isn't a plain word in quotes.
    static func quoted(_ name: String) -> String {
        let isPlain = name.utf8.allSatisfy {
            ($0 | 0x20) &- 0x61 < 26 || $0 &- 0x30 < 10 || $0 == 0x2E || $0 == 0x5F || $0 == 0x2D
        }
        if isPlain { return name }
        let safe = name.unicodeScalars.map {
            $0.value < 0x20 || $0.value > 0x7E || $0 == "\"" || $0 == "\\" ? "_" : Character($0)
        }
        return "\"\(String(safe))\""
    }

    static func type(of name: String) -> String {
        switch name.split(separator: ".").last?.lowercased() {
        case "zip": "application/zip"
        case "tif", "tiff": "image/tiff"
        case "json", "geojson": "application/json"
        case "txt", "log": "text/plain; charset=utf-8"
        case "png": "image/png"
        case "jpg", "jpeg": "image/jpeg"
        case "pdf": "application/pdf"
        default: "application/octet-stream"
        }
    }
}
