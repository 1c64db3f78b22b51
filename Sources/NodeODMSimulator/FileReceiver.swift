import HTTPServer
import HTTPTypes

/// Takes the files of an upload, piece by piece to disk.
struct FileReceiver: Sendable {
    let node: SimulatedNode
    let uuid: String
    /// Where files are listed once they are whole.
    let folder: String

    /// Reads the whole body.
    /// - Returns: how many files there were, and the fields between them.
    func receive(_ request: HTTPRequest, _ body: RequestBody) async throws -> (files: Int, form: [String: String]) {
        var files = 0
        let form = try await FormReader.multipart(request, body) { part in
            try await receive(part)
            files += 1
        }
        return (files, form)
    }

    private func receive(_ part: MultipartPart) async throws {
        var file = try ArrivingFile(path: await node.newPart())
        while let piece = try await part.next() { try file.append(piece) }
        guard let received = try file.publish(as: part.filename, in: folder) else { throw Refusal.unknownArea }
        await node.received(received, for: uuid)
    }
}
