public import HTTPClient
internal import HTTPTypes
public import Model
public import NodeODM

/// Asks another ScaleODM by its own API, which looks like NodeODM's and isn't (the Argo contract, 1.1 and 1.2).
///
/// No call is repeated here: a second submission of the same task would run it twice.
public struct ScaleODMClient: Sendable {
    /// How long calls take at most.
    public struct Timeouts: Sendable {
        /// Until a connection stands.
        public var connect: Duration = .seconds(5)
        /// For a call.
        public var call: Duration = .seconds(30)
        /// For a submission: it lists the images before it answers.
        public var submission: Duration = .seconds(120)
        /// The default time-outs.
        public init() {}
    }

    /// Where it is.
    public let endpoint: NodeEndpoint
    /// How it is identified by TLS.
    public let tls: TLSOptions
    private let client: CurlClient
    private let timeouts: Timeouts

    /// Consoles may be long; everything else is small.
    private static let largeAnswer = 67_108_864
    private static let smallAnswer = 8_388_608

    /// A client of one instance.
    /// - Parameters:
    ///   - endpoint: where it is.
    ///   - client: makes the calls; may serve many backends.
    ///   - tls: how an https instance is identified.
    ///   - timeouts: how long calls take at most.
    public init(
        endpoint: NodeEndpoint, client: CurlClient, tls: TLSOptions = TLSOptions(), timeouts: Timeouts = Timeouts()
    ) {
        self.endpoint = endpoint
        self.client = client
        self.tls = tls
        self.timeouts = timeouts
    }

    // MARK: The instance

    /// Reads `/info`.
    public func info() async throws(ScaleODMError) -> NodeInfo {
        let json = try await get(["info"]).json()
        do { return try NodeInfo(json: json) } catch { throw ScaleODMError(.malformedAnswer, error.message) }
    }

    /// Asks whether its database, its cluster and its object store work. Versions that can't say are believed to.
    public func heartbeat() async throws(ScaleODMError) {
        let answer = try await get(["__heartbeat__"])
        guard answer.status != 404 else { return }
        guard answer.status == 200 else { throw answer.failure }
    }

    /// Reads `/task/list`: every workflow of its namespace, also those that others made, without those that were collected.
    public func list() async throws(ScaleODMError) -> [BackendTaskID] {
        guard let entries = try await get(["task", "list"]).json().array else {
            throw ScaleODMError(.malformedAnswer, "/task/list is no array")
        }
        return entries.compactMap { $0["uuid"]?.text.map { BackendTaskID($0) } }
    }

    /// Reads the rows of its user interface: tasks of its database, also those whose workflows were collected.
    /// - Returns: nil where the interface is switched off.
    public func rows() async throws(ScaleODMError) -> [JSONValue]? {
        do throws(ScaleODMError) {
            let json = try await get(["ui", "api", "tasks"]).json()
            return json.array ?? json["tasks"]?.array ?? []
        } catch {
            guard error.code == .notFound || error.code == .noSuchPlace || error.code == .unauthorized else {
                throw error
            }
            return nil
        }
    }

    // MARK: A task

    /// Starts a task: the one call that does. It has no key that would make a second one harmless.
    /// - Parameter body: JSON, as ``ScaleODMSubmission`` makes it.
    /// - Returns: the name that the instance gave to the task.
    /// - Throws: `outcomeUnknown` wherever it may have been started.
    public func submit(_ body: [UInt8]) async throws(ScaleODMError) -> BackendTaskID {
        var request = post(["task", "new"], body)
        request.timeouts.total = timeouts.submission
        // On a pooled one that turns out dead nobody could tell whether it had arrived.
        request.needsOwnConnection = true
        let answer = try await answer(to: request, isSubmission: true)
        guard let uuid = try answer.json()["uuid"]?.text, !uuid.isEmpty else {
            throw ScaleODMError(.outcomeUnknown, "the answer to a submission has no uuid")
        }
        return BackendTaskID(uuid)
    }

    /// Reads a task's state, without its console.
    public func task(_ task: BackendTaskID) async throws(ScaleODMError) -> TaskInfo {
        let json = try await get(["task", task.string, "info"]).json()
        do { return try TaskInfo(json: json, from: .scaleodm, askedFor: task.string) } catch {
            throw ScaleODMError(.malformedAnswer, error.message)
        }
    }

    /// Reads a task's console, one text.
    /// - Parameters:
    ///   - task: as the instance calls it.
    ///   - line: the first line wanted; beyond the end the instance answers with all of it.
    /// - Returns: cleaned lines.
    /// - Throws: as every call.
    public func output(of task: BackendTaskID, from line: Int) async throws(ScaleODMError) -> [String] {
        var request = request(.get, ["task", task.string, "output"], query: [.init("line", "\(line)")])
        request.maximumBody = Self.largeAnswer
        guard let lines = OutputCleaner.lines(from: try await answer(to: request).json()) else {
            throw ScaleODMError(.malformedAnswer, "the console is neither a text nor an array of lines")
        }
        return lines
    }

    /// Ends a task: the instance deletes its workflow, and its console with that.
    public func cancel(_ task: BackendTaskID) async throws(ScaleODMError) { try await control("cancel", task) }

    /// Has the instance forget a task; what it wrote to the object store stays.
    public func remove(_ task: BackendTaskID) async throws(ScaleODMError) { try await control("remove", task) }

    /// Path and query under which an asset is downloaded. Holds the token: never to be logged.
    ///
    /// The route takes one segment, so that slashes of a path are encoded.
    public func downloadTarget(of task: BackendTaskID, asset: String) -> String {
        endpoint.target(["task", task.string, "download", asset])
    }

    private func control(_ verb: String, _ task: BackendTaskID) async throws(ScaleODMError) {
        let body = JSONValue.members(["uuid": .string(task.string)]).encoded
        try await answer(to: post(["task", verb], body)).success()
    }

    // MARK: Calls

    private func get(_ segments: [String]) async throws(ScaleODMError) -> ScaleODMAnswer {
        try await answer(to: request(.get, segments))
    }

    private func post(_ segments: [String], _ body: [UInt8]) -> OutboundRequest {
        var request = request(.post, segments)
        request.fields.append(.contentType, "application/json")
        request.body = .bytes(body)
        return request
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
        to request: OutboundRequest, isSubmission: Bool = false
    ) async throws(ScaleODMError) -> ScaleODMAnswer {
        do throws(HTTPClientError) {
            let response = try await client.send(request)
            return ScaleODMAnswer(status: response.status, body: response.body, isSubmission: isSubmission)
        } catch {
            throw ScaleODMError(error)
        }
    }
}
