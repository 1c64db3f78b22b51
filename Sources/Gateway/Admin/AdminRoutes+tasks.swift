internal import HTTPServer
internal import HTTPTypes
internal import Model
internal import NodeODM
internal import Record

/// Changes of tasks, on every gateway as the NodeODM API's own calls.
extension AdminRoutes {
    func addTaskChanges(to router: inout Router) {
        change(&router, .post, "/api/tasks/{uuid}/cancel", "api_task_cancel") { call, parts in
            let id = try Self.task(call.captures)
            try await Self.refusing { try await parts.tasks.cancel(id, for: .everything, unfinishedOnly: true) }
            return try await Self.summary(of: id, parts)
        }
        change(&router, .post, "/api/tasks/{uuid}/retry", "api_task_retry") { call, parts in
            let id = try Self.task(call.captures)
            try await Self.retry(id, parts)
            return try await Self.summary(of: id, parts)
        }
        change(&router, .post, "/api/tasks/{uuid}/move", "api_task_move") { call, parts in
            let id = try Self.task(call.captures)
            switch try await parts.backends.dispatcher.move(id, to: try Self.target(call)) {
            case .begun: return try await Self.summary(of: id, parts)
            case .refused(let reason): throw AdminError(.conflict, reason)
            case .unknown: throw Self.noSuchTask
            }
        }
        change(&router, .delete, "/api/tasks/{uuid}", "api_task_remove") { call, parts in
            let id = try Self.task(call.captures)
            try await Self.refuseUpload(id, parts)
            try await Self.refusing { try await parts.tasks.remove(id, for: .everything) }
            return AdminReply(TasksResource.removed(id))
        }
    }

    /// Begins a task anew that failed or was canceled; one that is held is given back to the queue.
    private static func retry(_ id: TaskID, _ parts: GatewayStatus.Parts) async throws {
        guard let record = try await parts.store.record(of: id, for: .everything) else { throw noSuchTask }
        if record.attempt?.isHeld == true {
            guard try await parts.backends.dispatcher.release(id) != .lost else {
                throw AdminError(.conflict, "The task has gone on meanwhile; look where it is now.")
            }
            return
        }
        if record.state == .completed {
            throw AdminError(.conflict, "The task is completed: to begin it anew would give up its results.")
        }
        guard record.state.isFinal || record.intent == .cancel else {
            throw AdminError(.conflict, "The task isn't over: it is \(record.state.rawValue).")
        }
        try await refusing { try await parts.tasks.restart(id, for: .everything) }
    }

    /// Where a task is to go.
    private static func target(_ call: AdminCall) throws(AdminError) -> BackendName? {
        guard let value = call["to"], value != .null else { return nil }
        guard let text = value.text, let name = BackendName(text) else {
            throw AdminError(.badRequest, "`to` must be the name of a backend.")
        }
        return name
    }

    /// An upload isn't a task yet: it is its client's to finish or to leave.
    private static func refuseUpload(_ id: TaskID, _ parts: GatewayStatus.Parts) async throws {
        guard let record = try await parts.store.record(of: id, for: .everything), !record.isCommitted else { return }
        throw AdminError(
            .conflict, "The files of the task are still arriving; it is given up by itself after limits.stale_upload.")
    }

    // MARK: Tasks and their errors

    static var noSuchTask: AdminError { AdminError(.notFound, "No such task.") }

    /// The task that a path names.
    static func task(_ captures: RouteCaptures) throws(AdminError) -> TaskID {
        guard let id = TaskID(asked: captures["uuid"]) else { throw noSuchTask }
        return id
    }

    /// The task as a list shows it.
    private static func summary(of id: TaskID, _ parts: GatewayStatus.Parts) async throws -> AdminReply {
        guard let body = try await tasks(parts).summary(id) else { throw noSuchTask }
        return AdminReply(body)
    }

    /// Tells what the NodeODM API's own actions refuse in this API's words.
    private static func refusing(_ body: () async throws -> Void) async throws {
        do { try await body() } catch APIError.notDone(let text) {
            throw text.hasSuffix(" not found") ? noSuchTask : AdminError(.conflict, text)
        }
    }
}
