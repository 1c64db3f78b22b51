internal import HTTPTypes
internal import Model
internal import NodeODM
internal import Reactor

/// GET /task/{uuid}/info: from the mirror, never from a backend.
struct TaskInfoHandler: Sendable {
    let lookup: TaskLookup

    /// The body where memory has it and no output is asked for, which is what clients poll; nil leaves the rest to `handle`.
    func instantly(_ request: HTTPRequest, _ task: String, _ caller: Caller) -> [UInt8]? {
        guard !request.withQueryItem("with_output", { $0 != nil }), let id = TaskID(asked: task) else { return nil }
        let now = lookup.clock.monotonic()
        return lookup.readAtOnce(id, for: caller, at: now) { $0.body(at: now) }
    }

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
