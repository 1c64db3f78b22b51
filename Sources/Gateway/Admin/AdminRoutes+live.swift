internal import HTTPServer
internal import HTTPTypes
internal import Model
internal import NodeODM
internal import Reactor

/// What a dashboard shows: the gateway now, its last hours, and what changes.
extension AdminRoutes {
    func addLive(to router: inout Router) {
        router.on(.get, "/openapi.json", name: "openapi") { _, _, _, response in
            try await Self.send(AdminReply(OpenAPIFile.json), response)
        }
        add(to: &router, "/api/gateway", "api_gateway") { _, _, parts in
            await scrape.metrics.census.renew(from: parts.store, on: scrape.loop)
            return AdminReply(parts.live.gateway.json)
        }
        let parameters = ["hours", "backend"]
        add(to: &router, "/api/history", "api_history", query: parameters, repeated: ["backend"]) { query, _, parts in
            let hours = try query.number("hours", in: 1...History.hours, usual: 6)
            let backends = try Self.backends(query)
            let history = parts.live.history.history
            // A day of many backends is some hundred thousand numbers.
            return AdminReply(try await scrape.pool.run { history.json(hours: hours, of: backends) })
        }
        router.on(.get, "/api/events", name: "api_events") { request, _, _, response in
            if let denial = denial(of: request) { return try await Self.send(denial, response) }
            try await stream(to: response)
        }
    }

    /// So many backends one answer may be of: a thousand over a day would be megabytes.
    private static let backendsPerAnswer = 100

    private static func backends(_ query: AdminQuery) throws(AdminError) -> [BackendName] {
        let names = query.all("backend")
        guard names.count <= backendsPerAnswer else {
            throw AdminError(.badRequest, "`backend` may be given \(backendsPerAnswer) times at most.")
        }
        return names.map { BackendName(recorded: $0) }
    }

    private func stream(to response: consuming ResponseWriter) async throws {
        var queue: EventQueue?
        let refusal = try await answer { parts in
            await scrape.metrics.census.renew(from: parts.store, on: scrape.loop)
            switch parts.live.events.join() {
            case .joined(let place):
                queue = place
                return AdminReply([])
            case .full:
                let limit = EventStream.clientLimit
                throw AdminError(.serviceUnavailable, "\(limit) clients follow the events already; read again later.")
            case .ended: throw AdminError(.serviceUnavailable, "The gateway is about to end.")
            }
        }
        guard let queue else { return try await Self.send(refusal, response) }
        defer { status.stage.parts?.live.events.leave(queue) }
        try await Self.send(queue, response)
    }

    /// Sends a client's events until he leaves, reads too slowly, or the gateway drains.
    private static func send(_ queue: EventQueue, _ response: consuming ResponseWriter) async throws {
        let socket = response.clientSocket
        socket.onPeerClose = { queue.finish(.left) }
        if socket.peerHasClosed || response.isHead { queue.finish(response.isHead ? .drained : .left) }
        // The last field keeps nginx from holding events back.
        let fields: HTTPFields = [
            .contentType: "text/event-stream; charset=utf-8", .cacheControl: "no-store", "X-Accel-Buffering": "no",
        ]
        var body = try await response.start(
            HTTPResponse(.ok, fields: fields), contentLength: nil, unread: EventStream.unread)
        while let frame = await queue.next() { try await body.write(frame) }
        // Without an end the answer is cut, so that a slow reader knows that it is incomplete.
        if queue.end == .drained { try await body.finish() }
    }
}
