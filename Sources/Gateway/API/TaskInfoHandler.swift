internal import HTTPTypes
internal import NodeODM

/// GET /task/{uuid}/info: from the mirror, never from a backend.
struct TaskInfoHandler: Sendable {
    let lookup: TaskLookup

    func handle(_ call: APICall) async throws -> APIReply {
        let window = OutputWindow(query: call.request.queryItem("with_output"))
        guard window != .nothing else {
            return .json(try await lookup.read(try call.task(), for: call.caller) { $0.body })
        }
        let task = try await lookup.task(try call.task(), for: call.caller)
        return .json(task.answer(with: try await lookup.lines(window, of: task)))
    }
}
