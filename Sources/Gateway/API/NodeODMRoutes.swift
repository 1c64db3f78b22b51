internal import Backends
internal import HTTPServer
internal import HTTPTypes
internal import Model
internal import NodeODM
internal import Observability
internal import Pages
internal import Reactor

/// The route table of the NodeODM API, in the contract's order.
struct NodeODMRoutes: Sendable {
    let tokens: TokenGuard
    let origin: CrossOrigin
    /// Whether a bad token is told in NodeODM's style, with status 200.
    let unauthorizedIs200: Bool
    let info: InfoHandler
    let newTask: NewTaskHandler
    let upload: UploadHandler
    let commit: CommitHandler
    let list: TaskListHandler
    let taskInfo: TaskInfoHandler
    let output: OutputHandler
    let download: DownloadHandler
    let action: TaskActionHandler
    let auth: AuthHandler
    let assets: AssetsHandler
    /// Says whether clients should be sent here.
    var health = HealthHandler(readiness: nil)

    /// Routes that clients ask again and again, whose good answers the log only samples.
    static let polls = ["info", "options", "task_info", "output", "list", "alive", "ready"]

    private typealias Handle = @Sendable (APICall, RequestBody) async throws -> APIReply
    /// The good answer to a caller, asked for the task of that name; nil where it takes a wait to make it.
    private typealias Instant = @Sendable (_ request: HTTPRequest, _ task: String, _ caller: Caller) -> [UInt8]?

    /// The table.
    var router: Router {
        var router = Router { request, outcome, _, response in
            try await refuse(request, outcome, response)
        }
        addPage(to: &router)
        addNode(to: &router)
        addTasks(to: &router)
        return router
    }

    /// The page for people, who need no token to see it; a program is told in a sentence where it is.
    private func addPage(to router: inout Router) {
        router.on(.get, "/", name: "root") { request, _, _, response in
            var (head, body) = answer(.text(Array(Self.welcome.utf8)), to: request)
            if PageSet.isWanted(by: request), let page = PageSet.front.answer(to: request, PageSet.index) {
                (head, body) = page
            }
            head.fields.append(.vary, "Accept")
            try await response.send(head, body: body)
        }
        router.on(.get, "/ui/{file}", name: "page_file") { request, captures, _, response in
            guard let (head, body) = PageSet.front.answer(to: request, captures["file"]) else {
                return try await refuse(request, .unknownPath, response)
            }
            try await response.send(head, body: body)
        }
    }

    private func addNode(to router: inout Router) {
        add(to: &router, .get, "/info", "info") { call, _ in
            if call.request.queryItem("_debugUnauthorized") != nil { throw APIError.bareUnauthorized }
            return info.info(call)
        }
        add(to: &router, .get, "/options", "options") { call, _ in info.options(call) }
        add(to: &router, .get, "/auth/info", "auth_info", isPublic: true) { _, _ in auth.info() }
        add(to: &router, .post, "/auth/login", "auth_login", isPublic: true) { _, _ in try auth.login() }
        add(to: &router, .post, "/auth/register", "auth_register", isPublic: true) { _, _ in try auth.login() }
        for path in ["/__lbheartbeat__", "/health"] {
            add(to: &router, .get, path, "alive", isPublic: true) { _, _ in health.alive() }
        }
        for path in ["/__heartbeat__", "/ready"] {
            add(to: &router, .get, path, "ready", isPublic: true) { _, _ in health.ready() }
        }
        router.onAnyOptions(name: "preflight") { request, _, _, response in
            try await response.send(origin.preflight(request))
        }
    }

    private func addTasks(to router: inout Router) {
        add(to: &router, .post, "/task/new/init", "init") { try await newTask.initialize($0, $1) }
        add(to: &router, .post, "/task/new/upload/{uuid}", "upload") { try await upload.handle($0, $1) }
        add(to: &router, .post, "/task/new/commit/{uuid}", "commit") { call, _ in try await commit.handle(call) }
        add(to: &router, .post, "/task/new", "new") { try await newTask.create($0, $1) }
        add(to: &router, .get, "/task/list", "list") { call, _ in try await list.handle(call) }
        add(to: &router, .get, "/task/{uuid}/info", "task_info", instantly: { taskInfo.instantly($0, $1, $2) }) {
            call, _ in
            try await taskInfo.handle(call)
        }
        add(to: &router, .get, "/task/{uuid}/output", "output") { call, _ in try await output.handle(call) }
        add(to: &router, .get, "/task/{uuid}/assets", "assets") { call, _ in try await assets.handle(call) }
        add(to: &router, .post, "/task/cancel", "cancel") { try await action.cancel($0, $1) }
        add(to: &router, .post, "/task/remove", "remove") { try await action.remove($0, $1) }
        add(to: &router, .post, "/task/restart", "restart") { try await action.restart($0, $1) }
        router.on(
            .get, "/task/{uuid}/download/{asset...}", name: "download", instant: { downloadAtOnce($0, $1) }
        ) { request, captures, _, response in
            try await serveDownload(request, captures, response)
        }
    }

    private func add(
        to router: inout Router, _ method: HTTPMethod, _ pattern: String, _ name: String, isPublic: Bool = false,
        instantly: Instant? = nil, _ handle: @escaping Handle
    ) {
        // What a poll's answer takes asks nobody else.
        let isTraced = !Self.polls.contains(name)
        router.on(method, pattern, name: name, instant: instantly.map(instant)) { request, captures, body, response in
            let answer: (HTTPResponse, [UInt8])?
            do {
                let caller = isPublic ? Caller.anonymous : try tokens.caller(of: request)
                let call = APICall(request: request, caller: caller, taskText: captures["uuid"], asset: nil)
                if isTraced {
                    let trace = TraceContext(following: request.fields["traceparent"])
                    response.notes.trace = trace
                    answer = self.answer(
                        try await TraceContext.$current.withValue(trace) { try await handle(call, body) }, to: request)
                } else {
                    answer = self.answer(try await handle(call, body), to: request)
                }
            } catch {
                answer = self.answer(to: error, request)
            }
            guard let answer else { return response.closeWithoutAnswer() }
            try await response.send(answer.0, body: answer.1)
        }
    }

    /// The good answer to a listed caller, where it needs no wait; everything else is the handler's.
    private func instant(_ body: @escaping Instant) -> Router.InstantHandler {
        { request, captures in
            guard let head = origin.readyJSON(for: request), let caller = try? tokens.caller(of: request),
                let body = body(request, captures["uuid"], caller)
            else { return nil }
            return .ready(ReadyAnswer(head, body: body))
        }
    }

    /// A download that begins without a wait; everything else is the handler's.
    private func downloadAtOnce(_ request: HTTPRequest, _ captures: RouteCaptures) -> InstantAnswer? {
        guard let caller = try? tokens.caller(of: request) else { return nil }
        let call = APICall(request: request, caller: caller, taskText: captures["uuid"], asset: captures["asset"])
        return download.atOnce(call, origin: origin).map { .relayed($0) }
    }

    private func serveDownload(
        _ request: HTTPRequest, _ captures: RouteCaptures, _ response: consuming ResponseWriter
    ) async throws {
        let found: Result<(APICall, DownloadHandler.Source), any Error>
        do {
            let caller = try tokens.caller(of: request)
            let call = APICall(
                request: request, caller: caller, taskText: captures["uuid"], asset: captures["asset"])
            found = .success((call, try await download.source(of: call, on: response.clientSocket.loop)))
        } catch {
            found = .failure(error)
        }
        switch found {
        case .success((let call, .backend(let owner, let source))):
            try await download.relay(source, of: owner, call, origin: origin, response)
        // A link is signed for GET alone: whoever asks for the head gets it from here.
        case .success((_, .object(_, .some(let link)))) where request.method != .head:
            var fields: HTTPFields = ["Location": link, .cacheControl: "no-store"]
            origin.mark(&fields, for: request)
            try await response.send(HTTPResponse(.found, fields: fields))
        case .success((let call, .object(let object, _))):
            try await download.send(object, call, origin: origin, response)
        case .failure(let error):
            guard let answer = answer(to: error, request) else { return response.closeWithoutAnswer() }
            try await response.send(answer.0, body: answer.1)
        }
    }

    private func refuse(
        _ request: HTTPRequest, _ outcome: Router.Outcome, _ response: consuming ResponseWriter
    ) async throws {
        var allowed: [HTTPMethod] = []
        if case .methodNotAllowed(let methods) = outcome { allowed = methods }
        let error = allowed.isEmpty ? APIError.noSuchPath : .methodNotAllowed
        guard var answer = answer(to: error, request) else { return response.closeWithoutAnswer() }
        if !allowed.isEmpty { answer.0.fields.appendAllow(allowed) }
        try await response.send(answer.0, body: answer.1)
    }

    /// The answer to an error, of a handler or of a request that couldn't be read.
    func answer(to error: any Error, _ request: HTTPRequest?) -> (HTTPResponse, [UInt8])? {
        // A head that can't be read is no request of the NodeODM API: HTTP's own status tells of it.
        if request == nil, let error = error as? HTTPServerError {
            let fields: HTTPFields = [.contentType: "text/plain; charset=utf-8"]
            return (HTTPResponse(error.status, fields: fields), Array(error.message.utf8))
        }
        guard let content = ErrorAnswer(error, unauthorizedIs200: unauthorizedIs200).content else { return nil }
        var fields: HTTPFields = [.contentType: "application/json; charset=utf-8"]
        if let request { origin.mark(&fields, for: request) }
        return (HTTPResponse(content.status, fields: fields), content.body)
    }

    private func answer(_ reply: APIReply, to request: HTTPRequest) -> (HTTPResponse, [UInt8]) {
        let fields = origin.fields(of: reply, to: request)
        switch reply {
        case .json(let body), .text(let body): return (HTTPResponse(.ok, fields: fields), body)
        case .unready(let body): return (HTTPResponse(.serviceUnavailable, fields: fields), body)
        }
    }

    private static let welcome = """
        This is a scaleodm gateway. It speaks the NodeODM API: add its host and port to WebODM as a processing node.

        """
}
