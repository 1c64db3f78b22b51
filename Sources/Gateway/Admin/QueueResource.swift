internal import Model
internal import NodeODM
internal import Record

/// GET /api/queue: the tasks that wait for a backend, in the order in which they are offered slots, and why.
struct QueueResource: Sendable {
    let dispatcher: Dispatcher
    let mirror: StatusMirror

    static let usualLimit = 100
    private static let mostTasks = 1000

    /// The waiting tasks.
    /// - Parameter limit: so many are told of, at most 1000.
    /// - Returns: `{"waiting": N, "tasks": […]}`.
    /// - Throws: the record's errors.
    func answer(_ limit: Int) async throws -> AdminReply {
        let line = try await dispatcher.waitingLine(limit: min(max(1, limit), Self.mostTasks))
        return .object { json in
            json.member("waiting", line.count)
            json.key("tasks")
            json.beginArray()
            for (index, task) in line.tasks.enumerated() { write(task, position: index + 1, into: &json) }
            json.endArray()
        }
    }

    private func write(_ task: Dispatcher.WaitingTask, position: Int, into json: inout JSONWriter) {
        json.beginObject()
        json.member("uuid", task.id.string)
        json.member("name", mirror.task(task.id)?.record.name ?? "")
        json.member("owner", task.owner)
        json.member("position", position)
        json.member("since", task.since.iso8601)
        json.member("priority", task.priority)
        json.member("images", task.images)
        json.key("tier")
        if let tier = task.tier { json.integer(tier) } else { json.null() }
        json.member("reason", task.reason)
        json.endObject()
    }
}
