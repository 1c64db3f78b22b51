internal import Model
internal import NodeODM
internal import Record

/// GET /api/queue: the tasks that wait for a backend, in the order in which they are offered slots, and why.
struct QueueResource: Sendable {
    let dispatcher: Dispatcher
    let store: TaskStore
    let mirror: StatusMirror

    static let usualLimit = 100
    static let limits = 1...Dispatcher.longestLine

    /// The waiting tasks.
    /// - Parameter limit: so many are told of, within ``limits``.
    /// - Returns: `{"waiting": N, "tasks": […]}`.
    /// - Throws: the record's errors.
    func answer(_ limit: Int) async throws -> AdminReply {
        let line = try await dispatcher.waitingLine(limit: limit)
        var names: [TaskID: String] = [:]
        for task in line.tasks { names[task.id] = try await name(of: task.id) }
        return .object { [names] json in
            json.member("waiting", line.count)
            json.key("tasks")
            json.beginArray()
            for (index, task) in line.tasks.enumerated() {
                Self.write(task, names[task.id] ?? "", position: index + 1, into: &json)
            }
            json.endArray()
        }
    }

    /// What another gateway has just taken may not be in memory yet.
    private func name(of task: TaskID) async throws -> String? {
        if let known = mirror.task(task)?.record.name { return known }
        return try await store.record(of: task)?.name
    }

    private static func write(
        _ task: Dispatcher.WaitingTask, _ name: String, position: Int, into json: inout JSONWriter
    ) {
        json.beginObject()
        json.member("uuid", task.id.string)
        json.member("name", name)
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
