internal import Model
internal import NodeODM
internal import Record

/// GET /task/list: the caller's tasks in the order of their commits, from the record.
struct TaskListHandler: Sendable {
    let store: TaskStore

    func handle(_ call: APICall) async throws -> APIReply {
        var json = JSONWriter(reserving: 4096)
        json.beginArray()
        for id in try await store.list(for: call.caller.scope) {
            json.beginObject()
            json.key("uuid")
            json.string(id.string)
            json.endObject()
        }
        json.endArray()
        return .json(json.bytes)
    }
}
