import HTTPServer
import HTTPTypes
import NodeODM

/// Reads the forms of POST requests, each kind of body where NodeODM reads it (contract 1.4).
enum FormReader {
    private static let maximumField = 4 << 20

    /// Fields of a multipart body; any other body is silently taken for an empty form.
    ///
    /// `onFile` takes each part that is a file; without it files are refused.
    static func multipart(
        _ request: HTTPRequest, _ body: RequestBody, onFile: ((MultipartPart) async throws -> Void)? = nil
    ) async throws -> [String: String] {
        guard let type = request.fields[.contentType].flatMap({ MediaType($0) }), type.essence == "multipart/form-data"
        else {
            // The server that NodeODM stands on reads a body to its end even where nobody wants it.
            while try await body.next() != nil {}
            return [:]
        }
        var form: [String: String] = [:]
        let reader = try MultipartReader(body: body, boundary: type.boundary)
        while let part = try await reader.nextPart() {
            if part.filename != nil {
                guard let onFile, part.name == "images" else { throw Refusal.unexpectedField }
                try await onFile(part)
            } else {
                form[part.name] = String(decoding: try await part.collect(upTo: maximumField), as: UTF8.self)
            }
        }
        return form
    }

    /// Fields of an urlencoded or JSON body; a multipart one is silently taken for an empty form.
    /// - Throws: ``Refusal`` with the parser's text for malformed JSON.
    static func plain(_ request: HTTPRequest, _ body: RequestBody) async throws -> [String: String] {
        let essence = request.fields[.contentType].flatMap { MediaType($0) }?.essence
        switch essence {
        case "application/x-www-form-urlencoded":
            let items = FormURLEncoded.parse(try await body.collect(upTo: maximumField))
            return Dictionary(items.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        case "application/json":
            return try json(try await body.collect(upTo: maximumField))
        default: return [:]
        }
    }

    /// Members as texts; arrays and objects as their JSON, since `options` may be either.
    private static func json(_ bytes: [UInt8]) throws -> [String: String] {
        if bytes.isEmpty { return [:] }
        let value: JSONValue
        do { value = try JSONValue(parsing: bytes) } catch { throw Refusal(error.message) }
        var form: [String: String] = [:]
        for member in value.members ?? [] where member.value != .null {
            form[member.name] =
                member.value.text ?? String(decoding: JSONWriter.text { $0.value(member.value) }, as: UTF8.self)
        }
        return form
    }
}
