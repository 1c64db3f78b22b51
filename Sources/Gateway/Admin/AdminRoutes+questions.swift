internal import HTTPServer
internal import HTTPTypes
internal import Model
internal import NodeODM

/// Questions about tasks: what they print, why they wait, and where they would go.
extension AdminRoutes {
    func addQuestions(to router: inout Router) {
        add(to: &router, "/api/tasks/{uuid}/output", "api_task_output", query: ["line"]) { query, captures, parts in
            let line = try query.number("line", in: OutputResource.lines, usual: 0)
            return try await OutputResource(lookup: parts.backends.parts.lookup).answer(
                try Self.task(captures), from: line)
        }
        add(to: &router, "/api/queue", "api_queue", query: ["limit"]) { query, _, parts in
            let limit = try query.number("limit", in: QueueResource.limits, usual: QueueResource.usualLimit)
            let queue = QueueResource(
                dispatcher: parts.backends.dispatcher, store: parts.store, mirror: parts.mirror)
            return try await queue.answer(limit)
        }
        change(&router, .post, "/api/rank", "api_rank") { call, parts in
            try await RankResource(dispatcher: parts.backends.dispatcher, fleet: parts.fleet).answer(call)
        }
    }
}
