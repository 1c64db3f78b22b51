internal import HTTPTypes
internal import NodeODM
internal import Reactor

/// GET /task/{uuid}/info: from the mirror, never from a backend.
struct TaskInfoHandler: Sendable {
    let lookup: TaskLookup

    func handle(_ call: APICall) async throws -> APIReply {
        let window = OutputWindow(query: call.request.queryItem("with_output"))
        guard window != .nothing else {
            let now = lookup.clock.monotonic()
            return .json(try await lookup.read(try call.task(), for: call.caller) { $0.body(at: now) })
        }
        let task = try await lookup.task(try call.task(), for: call.caller)
        let lines = try await lookup.lines(window, of: task)
        return .json(task.answer(with: lines, at: lookup.clock.monotonic()))
    }
}
