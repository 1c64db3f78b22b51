internal import HTTPServer
internal import HTTPTypes
internal import NodeODM

/// Reads the body of a POST into its fields, and hands files on while they stream in.
struct TaskFormReader {
    /// Text fields may have so many bytes together: options and outputs are the largest.
    static let textLimit = 4 << 20

    /// Reads a whole body.
    /// - Parameters:
    ///   - request: tells the form of the body.
    ///   - body: read to its end.
    ///   - onFile: takes a part that has a file name, and reads it to its end.
    /// - Returns: the fields; files are not among them.
    /// - Throws: `refused` for a body that can't be read.
    static func read(
        _ request: HTTPRequest, _ body: RequestBody,
        onFile: (MultipartPart) async throws -> Void
    ) async throws -> TaskForm {
        let type = request.fields[.contentType].flatMap { MediaType($0) }
        switch type?.essence.lowercased() {
        case "multipart/form-data":
            guard let boundary = type?.boundary else { throw APIError.refused("Multipart: Boundary not found") }
            return try await multipart(MultipartReader(body: body, boundary: boundary), onFile: onFile)
        case "application/json": return try await json(body)
        // Without a type, as an empty commit has it, what is there is read as a form.
        default: return urlencoded(try await body.collect(upTo: textLimit))
        }
    }

    /// Reads a body that may hold no file.
    static func readFields(_ request: HTTPRequest, _ body: RequestBody) async throws -> TaskForm {
        try await read(request, body) { _ in throw APIError.refused("Unexpected field") }
    }

    private static func multipart(
        _ reader: MultipartReader, onFile: (MultipartPart) async throws -> Void
    ) async throws -> TaskForm {
        var form = TaskForm()
        var room = textLimit
        while let part = try await reader.nextPart() {
            guard part.filename == nil else {
                try await onFile(part)
                continue
            }
            let bytes = try await part.collect(upTo: room)
            room -= bytes.count
            form.add(part.name, .string(String(decoding: bytes, as: UTF8.self)))
        }
        return form
    }

    private static func json(_ body: RequestBody) async throws -> TaskForm {
        var form = TaskForm()
        form.isJSON = true
        let bytes = try await body.collect(upTo: textLimit)
        guard !bytes.isEmpty else { return form }
        let value: JSONValue
        do { value = try JSONValue(parsing: bytes) } catch { throw APIError.refused(error.message) }
        for member in value.members ?? [] { form.add(member.name, member.value) }
        return form
    }

    private static func urlencoded(_ bytes: [UInt8]) -> TaskForm {
        var form = TaskForm()
        for item in FormURLEncoded.parse(bytes) { form.add(item.name, .string(item.value)) }
        return form
    }
}
