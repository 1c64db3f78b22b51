internal import HTTPServer
internal import HTTPTypes
internal import Model
internal import NodeODM
internal import Observability
internal import Reactor
internal import Record

/// The read-only admin API: what the operator's commands show, and the probes of whoever runs the gateway.
struct AdminRoutes: Sendable {
    let status: GatewayStatus
    let heartbeat: LoopHeartbeat
    /// What a caller must present; nil: nothing. The probes need none.
    let token: Secret?
    /// The inventory's `storage.min_free`.
    let minFree: ByteCount
    /// What /metrics answers.
    let scrape: MetricsScrape

    /// Routes that are asked every few seconds.
    static let probes = ["healthz", "readyz", "metrics"]

    private typealias Answer = (status: HTTPStatus, body: [UInt8])
    private typealias Handle = @Sendable (HTTPRequest, RouteCaptures, GatewayStatus.Parts) async throws -> Answer

    /// The table.
    var router: Router {
        var router = Router { _, outcome, _, response in
            switch outcome {
            case .methodNotAllowed:
                try await Self.send((.methodNotAllowed, Self.error("This API is for reading.")), response)
            case .route, .unknownPath:
                try await Self.send((.notFound, Self.error("Nothing is here.")), response)
            }
        }
        router.on(.get, "/healthz", name: "healthz") { _, _, _, response in try await Self.send(health(), response) }
        router.on(.get, "/readyz", name: "readyz") { request, _, _, response in
            try await Self.send(readiness(request), response)
        }
        router.on(.get, "/metrics", name: "metrics") { request, _, _, response in
            guard isAllowed(request) else { return try await Self.send(Self.unauthorized, response) }
            let (fields, body) = try await scrape.answer(request)
            try await response.send(HTTPResponse(.ok, fields: fields), body: body)
        }
        add(to: &router, "/api/backends", "api_backends") { _, _, parts in
            (.ok, BackendsResource(fleet: parts.fleet, mirror: parts.mirror, now: .now()).json)
        }
        add(to: &router, "/api/tasks", "api_tasks") { request, _, parts in
            (.ok, try await Self.tasks(parts).page(request))
        }
        add(to: &router, "/api/tasks/{uuid}", "api_task") { _, captures, parts in
            guard let body = try await Self.tasks(parts).task(captures["uuid"]) else {
                return (.notFound, Self.error("No such task."))
            }
            return (.ok, body)
        }
        return router
    }

    private static func tasks(_ parts: GatewayStatus.Parts) -> TasksResource {
        TasksResource(store: parts.store, events: parts.events, mirror: parts.mirror)
    }

    private func add(to router: inout Router, _ pattern: String, _ name: String, _ handle: @escaping Handle) {
        router.on(.get, pattern, name: name) { request, captures, _, response in
            try await Self.send(try await answer(request, captures, handle), response)
        }
    }

    private func answer(_ request: HTTPRequest, _ captures: RouteCaptures, _ handle: Handle) async throws -> Answer {
        guard isAllowed(request) else { return Self.unauthorized }
        let stage = status.stage
        guard let parts = stage.parts else {
            if case .starting(let what) = stage { return (.serviceUnavailable, Self.error("Not yet: \(what).")) }
            return (.serviceUnavailable, Self.error("The gateway is about to end."))
        }
        do {
            return try await handle(request, captures, parts)
        } catch let error as APIError {
            guard case .refused(let text) = error else { throw error }
            return (.badRequest, Self.error(text))
        } catch let error as RecordError {
            return (.serviceUnavailable, Self.error("The record can't be read: \(error.message)"))
        }
    }

    private static var unauthorized: Answer { (.unauthorized, error("The admin token is missing or wrong.")) }

    private func isAllowed(_ request: HTTPRequest) -> Bool {
        guard let token else { return true }
        let field = request.fields[.authorization] ?? ""
        guard field.utf8.count > 7, field.prefix(7).lowercased() == "bearer " else { return false }
        return token.matches(String(field.dropFirst(7)))
    }

    // MARK: Probes

    /// Whether every loop turns; a process that fails here is to be started anew.
    private func health() -> Answer {
        let ages = heartbeat.ages(at: .now())
        let isWell = ages.allSatisfy { $0.age < LoopHeartbeat.limit }
        var json = JSONWriter()
        json.beginObject()
        json.key("ok")
        json.bool(isWell)
        json.key("loops")
        json.beginObject()
        for (loop, age) in ages {
            json.key(loop)
            json.integer(age.inMilliseconds)
        }
        json.endObject()
        json.endObject()
        return (isWell ? .ok : .serviceUnavailable, json.bytes)
    }

    private func readiness(_ request: HTTPRequest) -> Answer {
        let readiness = Readiness(status.stage, minFree: minFree, now: .now())
        let isVerbose = request.queryItem("verbose") != nil
        return (readiness.isReady ? .ok : .serviceUnavailable, readiness.json(isVerbose: isVerbose))
    }

    // MARK: Answers

    private static func send(_ answer: Answer, _ response: consuming ResponseWriter) async throws {
        let fields: HTTPFields = [.contentType: "application/json; charset=utf-8", .cacheControl: "no-store"]
        try await response.send(HTTPResponse(answer.status, fields: fields), body: answer.body)
    }

    private static func error(_ text: String) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("error")
        json.string(text)
        json.endObject()
        return json.bytes
    }
}
