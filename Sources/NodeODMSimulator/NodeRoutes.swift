import Digests
import HTTPServer
import HTTPTypes
import NodeODM
import Reactor

/// The node's API as a route table, in the contract's order.
struct NodeRoutes: Sendable {
    let node: SimulatedNode

    /// Makes an answer, once token and knobs let the request through.
    typealias Handler = @Sendable (HTTPRequest, RouteCaptures, RequestBody) async throws -> Answer

    func router() -> Router {
        var router = Router(fallback: { _, _, _, response in
            let answer = Answer.unknownPath
            try await response.send(answer.response, body: answer.body)
        })
        router.onAnyOptions(name: "options") { _, _, _, response in
            let fields: HTTPFields = [
                .accessControlAllowOrigin: "*", .accessControlAllowMethods: "GET,HEAD,PUT,PATCH,POST,DELETE",
                .accessControlAllowHeaders: "*",
            ]
            try await response.send(HTTPResponse(.noContent, fields: fields))
        }
        addNodeRoutes(to: &router)
        addCreationRoutes(to: &router)
        addTaskRoutes(to: &router)
        addPublicRoutes(to: &router)
        return router
    }

    private func add(
        _ endpoint: Endpoint, _ method: HTTPMethod, _ pattern: String, isPublic: Bool = false, to router: inout Router,
        _ handler: @escaping Handler
    ) {
        router.on(method, pattern, name: endpoint.rawValue) { request, captures, body, response in
            let admission = await node.admit(endpoint)
            guard try await isLetThrough(admission) else { return response.closeWithoutAnswer() }
            let answer: Answer
            if admission.isFailed {
                answer = Answer(.internalServerError, type: "text/html; charset=utf-8", Array("<pre>Broken</pre>".utf8))
            } else if let refusal = isPublic ? nil : refusedToken(request) {
                answer = refusal
            } else {
                answer = try await Self.answer { try await handler(request, captures, body) }
            }
            if admission.isDroppedAfter { return response.closeWithoutAnswer() }
            try await response.send(answer.response, body: answer.body)
        }
    }

    /// Waits as the knobs say; false where the connection is to be closed at once.
    private func isLetThrough(_ admission: SimulatedNode.Admission) async throws -> Bool {
        if admission.delay > 0 { try await node.clock.sleep(for: .milliseconds(admission.delay)) }
        return !admission.isDropped
    }

    /// NodeODM answers 200 to a wrong token (contract, section 5).
    func refusedToken(_ request: HTTPRequest) -> Answer? {
        guard let token = node.configuration.token else { return nil }
        if let sent = request.queryItem("token"), ConstantTime.equal(sent, token) { return nil }
        return .refusal(Refusal("Invalid authentication token: token does not match."))
    }

    /// Turns what a handler throws into NodeODM's error answer; a broken connection stays an error.
    static func answer(_ handler: () async throws -> Answer) async throws -> Answer {
        do {
            return try await handler()
        } catch let refusal as Refusal {
            return .refusal(refusal)
        } catch let error as SimulatorError {
            return .refusal(Refusal(error.message))
        } catch let error as HTTPServerError {
            switch error.code {
            case .malformedMultipart, .multipartTruncated, .bodyTooLarge: return .refusal(Refusal(error.message))
            default: throw error
            }
        }
    }
}

// MARK: The table

extension NodeRoutes {
    private func addNodeRoutes(to router: inout Router) {
        add(.info, .get, "/info", to: &router) { request, _, _ in
            if request.queryItem("_debugUnauthorized") != nil { return Answer(.unauthorized, type: "text/plain", []) }
            return .json(await node.info())
        }
        let options = JSONWriter.text { OptionCatalog.engine360.encode(into: &$0) }
        add(.options, .get, "/options", to: &router) { _, _, _ in .json(options) }
        add(.list, .get, "/task/list", to: &router) { _, _, _ in .json(await node.list()) }
    }

    private func addCreationRoutes(to router: inout Router) {
        add(.`init`, .post, "/task/new/init", to: &router) { request, _, body in
            let uuid = try await node.openArea(setUUID: request.fields["set-uuid"])
            try await node.initialise(uuid, form: try await FormReader.multipart(request, body))
            return .uuid(uuid)
        }
        add(.upload, .post, "/task/new/upload/{uuid}", to: &router) { request, captures, body in
            let uuid = captures["uuid"]
            let receiver = FileReceiver(node: node, uuid: uuid, folder: try await node.area(uuid))
            guard try await receiver.receive(request, body).files > 0 else {
                throw Refusal(Refusal.noFile.message, noRetry: true)
            }
            return .success
        }
        add(.commit, .post, "/task/new/commit/{uuid}", to: &router) { _, captures, _ in
            try await node.commit(captures["uuid"])
            return .uuid(captures["uuid"])
        }
        add(.new, .post, "/task/new", to: &router) { request, _, body in
            let uuid = try await node.openArea(setUUID: request.fields["set-uuid"])
            do {
                let receiver = FileReceiver(node: node, uuid: uuid, folder: try await node.openedArea(uuid))
                try await node.initialise(uuid, form: try await receiver.receive(request, body).form)
            } catch {
                await node.discardArea(uuid)
                throw error
            }
            try await node.commitNew(uuid)
            return .uuid(uuid)
        }
    }

    private func addTaskRoutes(to router: inout Router) {
        add(.taskInfo, .get, "/task/{uuid}/info", to: &router) { request, captures, _ in
            let window = OutputWindow(query: request.queryItem("with_output"))
            return .json(try await node.taskInfo(captures["uuid"], window))
        }
        add(.output, .get, "/task/{uuid}/output", to: &router) { request, captures, _ in
            let window = OutputWindow(query: request.queryItem("line") ?? "0")
            return .json(try await node.output(captures["uuid"], window))
        }
        addDownload(to: &router)
        add(.cancel, .post, "/task/cancel", to: &router) { request, _, body in
            try await node.cancel(try Self.uuid(in: try await FormReader.plain(request, body)))
            return .success
        }
        add(.remove, .post, "/task/remove", to: &router) { request, _, body in
            try await node.remove(try Self.uuid(in: try await FormReader.plain(request, body)))
            return .success
        }
        add(.restart, .post, "/task/restart", to: &router) { request, _, body in
            let form = try await FormReader.plain(request, body)
            try await node.restart(try Self.uuid(in: form), options: form["options"])
            return .success
        }
    }

    private static func uuid(in form: [String: String]) throws(Refusal) -> String {
        guard let uuid = form["uuid"], !uuid.isEmpty else { throw Refusal("uuid param missing.") }
        return uuid
    }

    private func addPublicRoutes(to router: inout Router) {
        add(.auth, .get, "/auth/info", isPublic: true, to: &router) { _, _, _ in
            let text =
                #"{"message":"Authentication not available on this node","loginUrl":null,"registerUrl":null}"#
            return .json(Array(text.utf8))
        }
        for path in ["/auth/login", "/auth/register"] {
            add(.auth, .post, path, isPublic: true, to: &router) { _, _, _ in throw Refusal("Not available") }
        }
        add(.page, .get, "/", isPublic: true, to: &router) { _, _, _ in
            let page = "<!DOCTYPE html><title>Simulated node</title><h1>\(node.configuration.name)</h1>"
            return Answer(.ok, type: "text/html; charset=utf-8", Array(page.utf8))
        }
    }

    /// Its answer is streamed, so it doesn't go through ``Answer``.
    private func addDownload(to router: inout Router) {
        router.on(.get, "/task/{uuid}/download/{asset}", name: Endpoint.download.rawValue) {
            request, captures, _, response in
            let admission = await node.admit(.download)
            guard try await isLetThrough(admission) else { return response.closeWithoutAnswer() }
            if admission.isDroppedAfter { return response.closeWithoutAnswer() }
            if admission.isFailed {
                return try await response.send(HTTPResponse(.internalServerError))
            }
            if let refusal = refusedToken(request) {
                return try await response.send(refusal.response, body: refusal.body)
            }
            let path: String
            do throws(Refusal) { path = try await node.archive(captures["uuid"], captures["asset"]) } catch {
                let answer = Answer.refusal(error)
                return try await response.send(answer.response, body: answer.body)
            }
            let sender = DownloadSender(path: path, manner: await node.downloadManner(), clock: node.clock)
            try await sender.send(request, response)
        }
    }
}
