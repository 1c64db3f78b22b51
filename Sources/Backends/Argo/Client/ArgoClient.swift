public import HTTPClient
internal import HTTPTypes
public import NodeODM
internal import Observability
public import Reactor

/// Asks a cluster about its workflows, over Argo's server or the Kubernetes API.
///
/// The token goes into a field of every call and into no error. Nothing is repeated here but a call whose token was refused,
/// once, with the token as it is now: such a call did nothing.
public struct ArgoClient: Sendable {
    /// How it is spoken to.
    public let connection: ArgoConnection
    private let client: CurlClient
    private let streams: CurlClient
    /// Consoles that may be followed at a time.
    let mostFollowed: Int
    let routes: ArgoRoutes
    let clock: any WorldClock

    private static let largeAnswer = 67_108_864

    /// A client of one cluster.
    /// - Parameters:
    ///   - connection: where it is.
    ///   - client: makes the calls.
    ///   - streams: holds the watch and followed consoles, a connection each, so that calls never wait for one of them; it must
    ///     allow as many to one host. nil: `client`, for tests and few tasks.
    ///   - clock: for idle streams.
    public init(
        connection: ArgoConnection, client: CurlClient, streams: CurlClient? = nil,
        clock: any WorldClock = SystemClock()
    ) {
        self.connection = connection
        self.client = client
        self.streams = streams ?? client
        mostFollowed = streams == nil ? 32 : 512
        self.clock = clock
        routes = ArgoRoutes(api: connection.api, namespace: connection.namespace)
    }

    /// Reads the cluster's version, and shows that workflows may be listed.
    /// - Returns: such as `v4.1.2`.
    public func probe() async throws(ArgoError) -> String {
        let json = try await ask(.get, routes.version).json()
        _ = try await ask(.get, routes.list("", limit: 1, from: nil)).json()
        return json["version"]?.text ?? json["gitVersion"]?.text ?? "?"
    }

    /// Asks for the version alone: whether anybody answers.
    /// - Parameter patience: how long the answer may take.
    /// - Throws: `ArgoError` where nothing answered in that time, or what answered isn't an Argo Server.
    func knock(patience: Duration) async throws(ArgoError) {
        _ = try await ask(.get, routes.version, within: patience).json()
    }

    /// Creates a workflow with the name in it.
    /// - Throws: `conflict` where the name is taken.
    public func create(_ manifest: JSONValue) async throws(ArgoError) -> WorkflowObject {
        let answer: ArgoAnswer
        switch connection.api {
        case .argoServer:
            let body = JSONValue.members([
                "workflow": manifest, "serverDryRun": .bool(false), "createOptions": .object([]),
            ])
            answer = try await ask(.post, routes.workflows, body)
        case .kubernetes:
            answer = try await ask(
                .post, ArgoRoutes.target(routes.workflows, [("fieldManager", "odm-gateway")]), manifest)
        }
        guard let workflow = WorkflowObject(json: try answer.json()) else {
            throw ArgoError(.outcomeUnknown, status: answer.status, "the answer to a create is no workflow")
        }
        return workflow
    }

    /// Reads one workflow; the Argo Server also finds it in its archive.
    public func get(_ name: String) async throws(ArgoError) -> WorkflowObject {
        guard let workflow = WorkflowObject(json: try await ask(.get, routes.get(name)).json()) else {
            throw ArgoError(.malformedAnswer, status: 200, "the answer to a get is no workflow")
        }
        return workflow
    }

    /// Ends a workflow; its exit handler is skipped, its consoles stay.
    /// - Throws: `alreadyOver` where it had ended.
    public func terminate(_ name: String) async throws(ArgoError) {
        switch connection.api {
        case .argoServer: _ = try await ask(.put, routes.workflow(name) + "/terminate", .object([])).json()
        case .kubernetes:
            // A patch of a workflow that has ended would succeed and mean nothing.
            if try await get(name).isFinished { throw ArgoError(.alreadyOver, "the workflow has ended") }
            let patch = JSONValue.members(["spec": .members(["shutdown": .string("Terminate")])])
            _ = try await ask(.patch, routes.workflow(name), patch, type: "application/merge-patch+json").json()
        }
    }

    /// Deletes a workflow, and its archived copy.
    /// - Parameters:
    ///   - name: of the workflow.
    ///   - uid: only this one; a successor of the same name stays.
    /// - Throws: `notFound` where there is none.
    public func delete(_ name: String, uid: String) async throws(ArgoError) {
        switch connection.api {
        case .argoServer:
            let live = try await get(name)
            guard uid.isEmpty || live.uid == uid else { return }
            if !live.isArchived { _ = try await ask(.delete, routes.workflow(name)).json() }
            try await deleteArchived(live.uid)
        case .kubernetes:
            let conditions = JSONValue.members(["uid": .string(uid)])
            let options = JSONValue.members([
                "propagationPolicy": .string("Background"), "preconditions": uid.isEmpty ? nil : conditions,
            ])
            _ = try await ask(.delete, routes.workflow(name), options).json()
        }
    }

    /// Most clusters keep no archive: that it isn't there, or isn't ours to touch, is no failure.
    private func deleteArchived(_ uid: String) async throws(ArgoError) {
        guard let path = routes.archived(uid), !uid.isEmpty else { return }
        let answer = try await ask(.delete, path)
        if (200..<300).contains(answer.status) || [403, 404, 500, 501].contains(answer.status) { return }
        throw answer.failure
    }

    /// The console that Argo kept of a container; nil where it kept none.
    public func archivedLog(
        of workflow: WorkflowObject, node: String, container: String
    ) async throws(ArgoError) -> [UInt8]? {
        guard let path = routes.archivedLog(workflow, node: node, container: container) else { return nil }
        let answer = try await ask(.get, path)
        return answer.status == 200 ? answer.body : nil
    }

    // MARK: Calls

    func ask(
        _ method: HTTPMethod, _ target: String, _ body: JSONValue? = nil, type: String = "application/json",
        accept: String? = nil, within time: Duration? = nil
    ) async throws(ArgoError) -> ArgoAnswer {
        let isWrite = method != .get
        var request = request(method, target)
        if let time { request.timeouts.total = time }
        if let accept { request.fields.set(.accept, accept) }
        if let body {
            request.fields.append(.contentType, type)
            request.body = .bytes(body.encoded)
        }
        let first = try await answer(to: request, isWrite)
        guard first.status == 401, connection.token != nil else { return first }
        authorize(&request)
        return try await answer(to: request, isWrite)
    }

    private func answer(to request: OutboundRequest, _ isWrite: Bool) async throws(ArgoError) -> ArgoAnswer {
        do throws(HTTPClientError) {
            let response = try await client.send(request)
            return ArgoAnswer(status: response.status, body: response.body, isWrite: isWrite)
        } catch {
            throw ArgoError(error, isWrite: isWrite)
        }
    }

    private func request(_ method: HTTPMethod, _ target: String) -> OutboundRequest {
        var request = OutboundRequest(method, connection.origin + target)
        request.tls = connection.tls
        request.timeouts = .init(connect: connection.timeouts.connect, total: connection.timeouts.call, stall: nil)
        request.maximumBody = Self.largeAnswer
        request.fields.append(.accept, "application/json")
        authorize(&request)
        return request
    }

    private func authorize(_ request: inout OutboundRequest) {
        guard let token = connection.token?.reveal(), !token.isEmpty else { return }
        request.fields.set(.authorization, token.hasPrefix("Bearer ") ? token : "Bearer \(token)")
    }

    // MARK: Streams

    /// Runs a request whose answer has no end, line by line.
    /// - Parameters:
    ///   - target: path and query.
    ///   - idle: without a byte for so long, it is given up; nil: never.
    ///   - take: gets each line, without what frames it; false ends the stream.
    /// - Throws: what the answer's head says, and `outcomeUnknown` where it broke off.
    func stream(
        _ target: String, idle: Duration, _ take: (ArraySlice<UInt8>) async throws(ArgoError) -> Bool
    ) async throws(ArgoError) {
        var request = request(.get, target)
        request.timeouts = .init(connect: connection.timeouts.connect, total: nil, stall: nil)
        request.fields.set(.accept, connection.api == .argoServer ? "text/event-stream" : "application/json, */*")
        for isRetry in [false, true] {
            do {
                try await streams.stream(request) { head, body in
                    try await consume(head, body, idle: idle, take)
                }
                return
            } catch let error as ArgoError {
                guard error.code == .unauthorized, !isRetry, connection.token != nil else { throw error }
                authorize(&request)
            } catch let error as HTTPClientError {
                throw ArgoError(error, isWrite: false)
            } catch {
                throw ArgoError(.cancelled, "the stream was stopped")
            }
        }
    }

    private func consume(
        _ head: OutboundHead, _ body: BodyStream, idle: Duration,
        _ take: (ArraySlice<UInt8>) async throws(ArgoError) -> Bool
    ) async throws {
        guard head.status == 200 else {
            var text: [UInt8] = []
            while text.count < 65_536, let piece = try await body.next() { text += piece }
            throw ArgoAnswer(status: head.status, body: text, isWrite: false).failure
        }
        var lines = StreamLines(isFramed: connection.api == .argoServer)
        while let piece = try await next(body, within: idle) {
            lines.append(piece)
            while let line = try lines.next() {
                guard try await take(line) else { return }
            }
        }
        if let rest = lines.rest() { _ = try await take(rest) }
    }

    /// libcurl's own limit measures bytes a second, and a stream that lives on two bytes in 15 s would fall below it.
    private func next(_ body: BodyStream, within idle: Duration) async throws -> [UInt8]? {
        let clock = clock
        return try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
            group.addTask { try await body.next() }
            group.addTask {
                try await clock.sleep(for: idle)
                throw ArgoError(.outcomeUnknown, "the stream was silent for \(idle.components.seconds) s")
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }
}
