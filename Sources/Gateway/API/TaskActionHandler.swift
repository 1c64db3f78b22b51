internal import HTTPServer
internal import Model
internal import Record

/// POST /task/cancel, /task/remove and /task/restart.
struct TaskActionHandler: Sendable {
    let actions: TaskActions
    let intake: TaskIntake

    func cancel(_ call: APICall, _ body: RequestBody) async throws -> APIReply {
        let (id, _) = try await task(call, body)
        return try await told { try await actions.cancel(id, for: call.caller.scope) }
    }

    func remove(_ call: APICall, _ body: RequestBody) async throws -> APIReply {
        let (id, _) = try await task(call, body)
        return try await told { try await actions.remove(id, for: call.caller.scope) }
    }

    func restart(_ call: APICall, _ body: RequestBody) async throws -> APIReply {
        let (id, form) = try await task(call, body)
        return try await told {
            try await actions.restart(id, for: call.caller.scope) { record in
                guard form.contains("options") else { return nil }
                return try intake.options(form, skipPostProcessing: record.skipPostProcessing)
            }
        }
    }

    private func task(_ call: APICall, _ body: RequestBody) async throws -> (TaskID, TaskForm) {
        let form = try await TaskFormReader.readFields(call.request, body)
        guard let text = form.text("uuid"), !text.isEmpty else { throw APIError.refused("uuid param missing.") }
        guard let id = TaskID(asked: text) else { throw APIError.notDone("\(text) not found") }
        return (id, form)
    }

    /// WebODM ignores a false without a reason, and fails on a 503: so trouble of the record is told in words.
    private func told(_ body: () async throws -> Void) async throws -> APIReply {
        do {
            try await body()
            return .success
        } catch let error as RecordError where error.code == .away || error.code == .leaseLost {
            throw APIError.notDone("The gateway's database is away; try again.")
        }
    }
}
