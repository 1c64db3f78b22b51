internal import HTTPServer
internal import HTTPTypes
internal import Model
internal import NodeODM
internal import Observability
internal import Record

/// The read-only admin API: what the operator's commands show.
struct AdminRoutes: Sendable {
    let store: TaskStore
    let events: EventLog
    let fleet: Fleet
    let mirror: StatusMirror
    let token: Secret?

    /// The table.
    var router: Router {
        var router = Router { _, _, _, response in
            try await response.send(HTTPResponse(.notFound, fields: Self.type), body: Self.error("Nothing is here."))
        }
        router.on(.get, "/healthz", name: "healthz") { _, _, _, response in
            try await response.send(HTTPResponse(.ok, fields: Self.type), body: Array(#"{"ok":true}"#.utf8))
        }
        add(to: &router, "/api/backends", "api_backends") { _, _ in backends() }
        add(to: &router, "/api/tasks", "api_tasks") { request, _ in try await tasks(request) }
        add(to: &router, "/api/tasks/{uuid}", "api_task") { _, captures in try await task(captures["uuid"]) }
        return router
    }

    private typealias Handle = @Sendable (HTTPRequest, RouteCaptures) async throws -> [UInt8]?

    private func add(to router: inout Router, _ pattern: String, _ name: String, _ handle: @escaping Handle) {
        router.on(.get, pattern, name: name) { request, captures, _, response in
            guard isAllowed(request) else {
                try await response.send(
                    HTTPResponse(.unauthorized, fields: Self.type),
                    body: Self.error("The admin token is missing or wrong."))
                return
            }
            guard let body = try await handle(request, captures) else {
                try await response.send(HTTPResponse(.notFound, fields: Self.type), body: Self.error("No such task."))
                return
            }
            try await response.send(HTTPResponse(.ok, fields: Self.type), body: body)
        }
    }

    private func isAllowed(_ request: HTTPRequest) -> Bool {
        guard let token else { return true }
        let field = request.fields[.authorization] ?? ""
        guard field.lowercased().hasPrefix("bearer ") else { return false }
        return token.matches(String(field.dropFirst(7)))
    }

    private func backends() -> [UInt8] {
        var json = JSONWriter(reserving: 1024)
        json.beginArray()
        for member in fleet.members {
            json.beginObject()
            json.key("name")
            json.string(member.definition.name.string)
            json.key("kind")
            json.string(member.definition.kind.rawValue)
            json.key("url")
            json.string(member.definition.url)
            json.key("online")
            json.bool(member.isOnline(offlineAfter: fleet.offlineAfter))
            json.key("tier")
            json.integer(member.definition.tier)
            json.key("slots")
            json.integer(member.slots ?? 0)
            json.key("tasks")
            json.integer(mirror.watched(on: member.definition.name).count)
            json.key("unfinished")
            json.integer(member.load?.unfinished ?? 0)
            json.key("engineVersion")
            json.string(member.load?.engineVersion ?? "?")
            if let error = member.lastError {
                json.key("lastError")
                json.string(error)
            }
            json.endObject()
        }
        json.endArray()
        return json.bytes
    }

    private func tasks(_ request: HTTPRequest) async throws -> [UInt8] {
        let limit = request.queryItem("limit").flatMap { Int($0) } ?? 100
        let page = try await store.page(limit: min(max(1, limit), 1000))
        var json = JSONWriter(reserving: 4096)
        json.beginArray()
        for record in page.tasks { write(record, events: nil, into: &json) }
        json.endArray()
        return json.bytes
    }

    private func task(_ text: String) async throws -> [UInt8]? {
        guard let id = TaskID(text), let record = try await store.record(of: id) else { return nil }
        var json = JSONWriter(reserving: 4096)
        write(record, events: try await events.events(of: id), into: &json)
        return json.bytes
    }

    private func write(_ record: TaskRecord, events: [TaskEvent]?, into json: inout JSONWriter) {
        json.beginObject()
        json.key("uuid")
        json.string(record.id.string)
        json.key("name")
        json.string(record.name)
        json.key("state")
        json.string(record.state.rawValue)
        json.key("code")
        json.integer(record.shownCode.rawValue)
        json.key("images")
        json.integer(record.images)
        json.key("progress")
        json.double(mirror.task(record.id)?.record.progress ?? record.progress)
        if let attempt = record.attempt {
            json.key("backend")
            json.string(attempt.backend.string)
            json.key("reason")
            json.string(attempt.reason)
        }
        if let events { write(events, into: &json) }
        json.endObject()
    }

    private func write(_ events: [TaskEvent], into json: inout JSONWriter) {
        json.key("events")
        json.beginArray()
        for event in events {
            json.beginObject()
            json.key("at")
            json.integer(event.at.milliseconds)
            json.key("kind")
            json.string(event.kind.rawValue)
            if let backend = event.backend {
                json.key("backend")
                json.string(backend.string)
            }
            json.key("detail")
            json.string(event.detail)
            json.endObject()
        }
        json.endArray()
    }

    private static let type: HTTPFields = [.contentType: "application/json; charset=utf-8"]

    private static func error(_ text: String) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("error")
        json.string(text)
        json.endObject()
        return json.bytes
    }
}
