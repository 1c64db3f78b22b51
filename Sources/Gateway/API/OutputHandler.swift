internal import HTTPTypes
internal import NodeODM

/// GET /task/{uuid}/output: a JSON array, or plain text for who asks for that.
struct OutputHandler: Sendable {
    let lookup: TaskLookup

    func handle(_ call: APICall) async throws -> APIReply {
        let task = try await lookup.task(try call.task(), for: call.caller)
        let window = OutputWindow(query: call.request.queryItem("line") ?? "0")
        let lines = try await lookup.lines(window, of: task)
        if call.request.fields.listContains("Accept", "text/plain") {
            return .text(Array((lines.joined(separator: "\n") + (lines.isEmpty ? "" : "\n")).utf8))
        }
        var json = JSONWriter(reserving: 256)
        json.beginArray()
        for line in lines { json.string(line) }
        json.endArray()
        return .json(json.bytes)
    }
}
