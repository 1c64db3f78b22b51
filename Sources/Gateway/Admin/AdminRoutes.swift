internal import HTTPServer
internal import HTTPTypes
internal import Model
internal import NodeODM
internal import Observability
internal import Pages
internal import Reactor
internal import Record

/// The admin API: what the operator's commands show and change, and the probes of whoever runs the gateway.
///
/// What only reads stands here, what changes something in `+changes`.
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

    typealias Handle = @Sendable (AdminQuery, RouteCaptures, GatewayStatus.Parts) async throws -> AdminReply

    /// The table.
    var router: Router {
        var router = Router { _, outcome, _, response in
            switch outcome {
            case .methodNotAllowed(let methods):
                let reply = AdminReply.error(.methodNotAllowed, "This path has no such method.")
                try await Self.send(reply, response, allowing: methods)
            case .route, .unknownPath:
                try await Self.send(.error(.notFound, "Nothing is here."), response)
            }
        }
        router.on(.get, "/healthz", name: "healthz") { _, _, _, response in try await Self.send(health(), response) }
        router.on(.get, "/readyz", name: "readyz") { request, _, _, response in
            try await Self.send(readiness(request), response)
        }
        router.on(.get, "/metrics", name: "metrics") { request, _, _, response in
            if let denial = denial(of: request) { return try await Self.send(denial, response) }
            let (fields, body) = try await scrape.answer(request)
            try await response.send(HTTPResponse(.ok, fields: fields), body: body)
        }
        add(to: &router, "/api/backends", "api_backends") { _, _, parts in
            AdminReply(Self.backends(parts).json)
        }
        add(to: &router, "/api/tasks", "api_tasks", query: TasksResource.parameters) { query, _, parts in
            AdminReply(try await Self.tasks(parts).page(query))
        }
        add(to: &router, "/api/tasks/{uuid}", "api_task") { _, captures, parts in
            guard let body = try await Self.tasks(parts).task(captures["uuid"]) else {
                return .error(.notFound, "No such task.")
            }
            return AdminReply(body)
        }
        addLive(to: &router)
        addQuestions(to: &router)
        addChanges(to: &router)
        addPage(to: &router)
        return router
    }

    /// The page for operators: its files need no token, what it shows does.
    private func addPage(to router: inout Router) {
        router.on(.get, "/", name: "page") { request, _, _, response in
            try await Self.send(PageSet.index, to: request, response)
        }
        router.on(.get, "/ui/{file}", name: "page_file") { request, captures, _, response in
            try await Self.send(captures["file"], to: request, response)
        }
    }

    private static func send(
        _ file: String, to request: HTTPRequest, _ response: consuming ResponseWriter
    ) async throws {
        guard let (head, body) = PageSet.dashboard.answer(to: request, file) else {
            return try await send(.error(.notFound, "Nothing is here."), response)
        }
        try await response.send(head, body: body)
    }

    static func tasks(_ parts: GatewayStatus.Parts) -> TasksResource {
        TasksResource(
            store: parts.store, events: parts.events, mirror: parts.mirror, fleet: parts.fleet, clock: SystemClock(),
            waitingReason: { await parts.backends.dispatcher.waitingReason(of: $0) })
    }

    static func backends(_ parts: GatewayStatus.Parts) -> BackendsResource {
        BackendsResource(fleet: parts.fleet, mirror: parts.mirror, clock: SystemClock())
    }

    /// Adds what only reads to the table.
    /// - Parameters:
    ///   - router: the table.
    ///   - pattern: as the router reads it.
    ///   - name: for the log and metrics.
    ///   - parameters: what its query may have.
    ///   - repeated: those of them that may be given several times.
    ///   - handle: called once the caller is known to be allowed and the query is read; may throw `AdminError`.
    func add(
        to router: inout Router, _ pattern: String, _ name: String, query parameters: [String] = [],
        repeated: [String] = [], _ handle: @escaping Handle
    ) {
        router.on(.get, pattern, name: name) { request, captures, _, response in
            if let denial = denial(of: request) { return try await Self.send(denial, response) }
            let reply = try await answer { parts in
                let query = try AdminQuery(request, parameters, repeated: repeated)
                return try await handle(query, captures, parts)
            }
            try await Self.send(reply, response)
        }
    }

    /// Answers with the parts of a gateway that serves.
    func answer(_ handle: (GatewayStatus.Parts) async throws -> AdminReply) async throws -> AdminReply {
        let stage = status.stage
        guard let parts = stage.parts else {
            if case .starting(let what) = stage { return .error(.serviceUnavailable, "Not yet: \(what).") }
            return .error(.serviceUnavailable, "The gateway is about to end.")
        }
        do {
            return try await handle(parts)
        } catch let error as AdminError {
            return .error(error.status, error.message)
        } catch let error as APIError {
            guard case .refused(let text) = error else { throw error }
            return .error(.badRequest, text)
        } catch let error as RecordError {
            return .error(.serviceUnavailable, "The record can't be used: \(error.message)")
        }
    }

    /// Why a caller is turned away; nil where he presents the admin token, or there is none and he asks this machine by its own name.
    func denial(of request: HTTPRequest) -> AdminReply? {
        guard let token else { return Self.namesThisMachine(request.authority) ? nil : Self.foreignName }
        let field = request.fields[.authorization] ?? ""
        guard field.utf8.count > 7, field.prefix(7).lowercased() == "bearer ",
            token.matches(String(field.dropFirst(7)))
        else { return .error(.unauthorized, "The admin token is missing or wrong.") }
        return nil
    }

    private static let foreignName = AdminReply.error(
        .forbidden,
        "Without admin.token this listener answers only to localhost and to addresses: set one for other names.")

    /// Whether a Host is `localhost` or an address, and so no name that a page of elsewhere could have led to this machine
    /// (DNS rebinding): that page would be of the same origin as this API.
    static func namesThisMachine(_ authority: String?) -> Bool {
        // Browsers always send one.
        guard let authority else { return true }
        if authority.hasPrefix("[") { return true }
        let host = authority.split(separator: ":", omittingEmptySubsequences: false).first.map { $0.lowercased() } ?? ""
        return host == "localhost" || host.hasSuffix(".localhost")
            || !host.isEmpty && host.utf8.allSatisfy { $0 == UInt8(ascii: ".") || (0x30...0x39).contains($0) }
    }

    // MARK: Probes

    /// Whether every loop turns; a process that fails here is to be started anew.
    private func health() -> AdminReply {
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
        return AdminReply(isWell ? .ok : .serviceUnavailable, json.bytes)
    }

    private func readiness(_ request: HTTPRequest) -> AdminReply {
        let readiness = Readiness(status.stage, minFree: minFree, now: .now())
        let isVerbose = request.queryItem("verbose") != nil
        return AdminReply(readiness.isReady ? .ok : .serviceUnavailable, readiness.json(isVerbose: isVerbose))
    }

    // MARK: Answers

    /// Sends a reply; `methods` are those that the path has, where it doesn't have the one that was tried.
    static func send(
        _ reply: AdminReply, _ response: consuming ResponseWriter, allowing methods: [HTTPMethod] = []
    ) async throws {
        var fields = AdminReply.fields
        if !methods.isEmpty { fields.appendAllow(methods) }
        try await response.send(HTTPResponse(reply.status, fields: fields), body: reply.body)
    }
}
