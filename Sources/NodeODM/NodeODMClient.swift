public import HTTPClient
internal import HTTPTypes
public import Model

/// Asks a NodeODM node, or what speaks its API, as a client does (contract, section 2).
///
/// The token goes into every call's query, and into no error. No call is repeated here: who repeats has to know what the
/// first one may have done.
public struct NodeODMClient: Sendable {
    /// How long calls take at most.
    public struct Timeouts: Sendable {
        /// Until a connection stands.
        public var connect: Duration = .seconds(5)
        /// For `/info` and `/options`: a node that says nothing for so long is frozen, and others have to know soon.
        public var node: Duration = .seconds(10)
        /// For a call without files.
        public var call: Duration = .seconds(30)
        /// For an upload without progress.
        public var stall: Duration = .seconds(60)
        /// The default time-outs.
        public init() {}
    }

    /// Where the node is.
    public let endpoint: NodeEndpoint
    private let client: CurlClient
    private let downloadTargets: NodeEndpoint.DownloadTargets
    /// How an https node is identified.
    public let tls: TLSOptions
    private let timeouts: Timeouts

    /// Console lines may be many; everything else is small.
    private static let largeAnswer = 67_108_864
    private static let smallAnswer = 8_388_608

    /// A client of one node.
    /// - Parameters:
    ///   - endpoint: the node.
    ///   - client: makes the calls; may serve many nodes.
    ///   - tls: how an https node is identified.
    ///   - timeouts: how long calls take at most.
    public init(
        endpoint: NodeEndpoint, client: CurlClient, tls: TLSOptions = TLSOptions(), timeouts: Timeouts = Timeouts()
    ) {
        self.endpoint = endpoint
        downloadTargets = NodeEndpoint.DownloadTargets(endpoint)
        self.client = client
        self.tls = tls
        self.timeouts = timeouts
    }

    // MARK: The node

    /// Reads `/info`.
    public func info() async throws(NodeODMError) -> NodeInfo {
        let json = try await get(["info"], .node).json()
        do { return try NodeInfo(json: json) } catch { throw malformed(error) }
    }

    /// Reads `/options`.
    public func options() async throws(NodeODMError) -> OptionCatalog {
        let answer = try await get(["options"], .node)
        _ = try answer.json()
        do { return try OptionCatalog(decoding: answer.body) } catch { throw malformed(error) }
    }

    /// Reads `/task/list`: every task the node knows.
    public func list() async throws(NodeODMError) -> [BackendTaskID] {
        guard let entries = try await get(["task", "list"], .node).json().array else {
            throw NodeODMError(.malformedAnswer, "/task/list is no array")
        }
        return entries.compactMap { $0["uuid"]?.text.map { BackendTaskID($0) } }
    }

    // MARK: Starting a task

    /// Opens an upload area.
    /// - Parameters:
    ///   - identity: the uuid that the task shall have; nil lets the node choose.
    ///   - fields: what is known of the task.
    /// - Returns: the task's uuid.
    /// - Throws: `.identityRefused` when the node has a task of that uuid, or doesn't take its version.
    public func initTask(
        setUUID identity: BackendTaskID?, _ fields: InitFields
    ) async throws(NodeODMError) -> BackendTaskID {
        var request = request(.post, ["task", "new", "init"])
        if let identity { request.fields.append("set-uuid", identity.string) }
        request.body = .multipart(fields.fields)
        let uuid = try uuid(in: try await answer(to: request, .initialise, identity))
        if let identity, !ASCII.equalIgnoringCase(uuid.string, identity.string) {
            throw NodeODMError(.malformedAnswer, "the node chose another uuid than it was given")
        }
        return uuid
    }

    /// Streams files into an upload area, all in one request.
    ///
    /// A node renames what it gets twice (contract 2.4): after `.outcomeUnknown` the area must be given up.
    public func upload(_ files: [UploadFile], to task: BackendTaskID) async throws(NodeODMError) {
        var request = request(.post, ["task", "new", "upload", task.string])
        request.body = .multipart(files.map(\.field))
        request.timeouts.total = nil
        request.timeouts.stall = timeouts.stall
        try await answer(to: request, .upload, task).success()
    }

    /// Starts a task: the one call that does.
    public func commit(_ task: BackendTaskID) async throws(NodeODMError) {
        let answer = try await answer(to: request(.post, ["task", "new", "commit", task.string]), .commit, task)
        _ = try uuid(in: answer)
    }

    private func uuid(in answer: NodeAnswer) throws(NodeODMError) -> BackendTaskID {
        guard let uuid = try answer.json()["uuid"]?.text, !uuid.isEmpty else {
            throw NodeODMError(.malformedAnswer, "the node's answer has no uuid")
        }
        return BackendTaskID(uuid)
    }

    // MARK: A task

    /// Reads a task's state.
    /// - Parameters:
    ///   - task: as the node calls it.
    ///   - line: index of the first console line wanted; nil asks for none.
    /// - Returns: the state, with `output` where it was asked for.
    /// - Throws: `.unknownTask` only when the node says so of this very task.
    public func taskInfo(of task: BackendTaskID, outputFrom line: Int? = nil) async throws(NodeODMError) -> TaskInfo {
        let query = line.map { [NodeEndpoint.FormItem("with_output", "\($0)")] } ?? []
        let json = try await get(["task", task.string, "info"], .task, task, query: query).json()
        do { return try TaskInfo(json: json, from: .nodeodm, askedFor: task.string) } catch { throw malformed(error) }
    }

    /// Reads a task's console from a line on.
    public func output(of task: BackendTaskID, from line: Int = 0) async throws(NodeODMError) -> [String] {
        let query = [NodeEndpoint.FormItem("line", "\(line)")]
        let json = try await get(["task", task.string, "output"], .task, task, query: query).json()
        guard let lines = OutputCleaner.lines(from: json) else {
            throw NodeODMError(.malformedAnswer, "the console is no array of lines")
        }
        return lines
    }

    /// Asks for the end of a task; it is signalled, not awaited.
    public func cancel(_ task: BackendTaskID) async throws(NodeODMError) { try await control("cancel", task) }

    /// Has the node forget a task and what it made.
    public func remove(_ task: BackendTaskID) async throws(NodeODMError) { try await control("remove", task) }

    /// Runs an ended task again under its uuid; `options` replace the old ones, nil keeps them.
    public func restart(_ task: BackendTaskID, options: [TaskOption]? = nil) async throws(NodeODMError) {
        try await control("restart", task, options.map { [.init("options", TaskOption.text(of: $0))] } ?? [])
    }

    /// Path and query under which an asset is downloaded. Holds the token: never to be logged.
    public func downloadTarget(of task: BackendTaskID, asset: String) -> String {
        downloadTargets.target(of: task.string, asset: asset)
    }

    /// Control calls are urlencoded: the one form that NodeODM and ClusterODM both take (contract 1.4).
    private func control(
        _ verb: String, _ task: BackendTaskID, _ items: [NodeEndpoint.FormItem] = []
    ) async throws(NodeODMError) {
        var request = request(.post, ["task", verb])
        let form = [NodeEndpoint.FormItem("uuid", task.string)] + items
        let text = FormURLEncoded.encode(form.map { FormURLEncoded.Item(name: $0.name, value: $0.value) })
        request.fields.append(.contentType, "application/x-www-form-urlencoded")
        request.body = .bytes(Array(text.utf8))
        try await answer(to: request, .task, task).success()
    }

    // MARK: Calls

    private func get(
        _ segments: [String], _ call: NodeAnswer.Call, _ task: BackendTaskID? = nil,
        query: [NodeEndpoint.FormItem] = []
    ) async throws(NodeODMError) -> NodeAnswer {
        var request = request(.get, segments, query: query)
        if task != nil { request.maximumBody = Self.largeAnswer } else { request.timeouts.total = timeouts.node }
        return try await answer(to: request, call, task)
    }

    private func request(
        _ method: HTTPMethod, _ segments: [String], query: [NodeEndpoint.FormItem] = []
    ) -> OutboundRequest {
        var bare = endpoint
        bare.basePath = ""
        let target = endpoint.target(segments, query: query)
        var request = OutboundRequest(method, "\(bare)\(target)")
        request.timeouts = .init(connect: timeouts.connect, total: timeouts.call, stall: nil)
        request.tls = tls
        request.maximumBody = Self.smallAnswer
        return request
    }

    private func answer(
        to request: OutboundRequest, _ call: NodeAnswer.Call, _ task: BackendTaskID?
    ) async throws(NodeODMError) -> NodeAnswer {
        let response: OutboundResponse
        do throws(HTTPClientError) { response = try await client.send(request) } catch {
            throw NodeODMError(error, redactedBy: endpoint)
        }
        return NodeAnswer(
            status: response.status, body: response.body, call: call, uuid: task?.string, endpoint: endpoint)
    }

    private func malformed(_ error: WireFormatError) -> NodeODMError {
        NodeODMError(.malformedAnswer, endpoint.redacting(error.message))
    }
}

extension NodeODMError {
    /// What a call without an answer means.
    init(_ error: HTTPClientError, redactedBy endpoint: NodeEndpoint) {
        let code: Code =
            switch error.code {
            case .notSent, .refusedAddress, .invalidRequest: .notSent
            case .outcomeUnknown, .timedOut: .outcomeUnknown
            case .tooLarge: .malformedAnswer
            case .cancelled: .cancelled
            case .sourceFailed: .inputsUnreadable
            }
        self.init(code, endpoint.redacting(error.message))
    }
}
