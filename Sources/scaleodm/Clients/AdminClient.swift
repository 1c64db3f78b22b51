internal import HTTPClient
internal import HTTPTypes
internal import NodeODM

/// Reads and changes a running gateway's admin API.
struct AdminClient: Sendable {
    let address: ServerAddress
    private let token: String?
    private let http: CurlClient

    init(_ address: ServerAddress, token: String?, http: CurlClient) {
        self.address = address
        self.token = token
        self.http = http
    }

    /// The client that a verb's flags describe.
    init(_ invocation: Invocation, _ program: ClientProgram) throws(CommandError) {
        self.init(
            try ServerAddress(invocation, .admin, token: nil), token: invocation.value(.token), http: program.http)
    }

    /// Reads one resource.
    /// - Parameters:
    ///   - segments: of the path, not yet encoded.
    ///   - query: not yet encoded.
    /// - Returns: the answer; nil where there is no such thing.
    /// - Throws: `CommandError`.
    func get(_ segments: [String], query: [(String, String)] = []) async throws -> JSONValue? {
        try read(try await send(.get, segments, query: query))
    }

    /// Asks for a change.
    /// - Parameters:
    ///   - method: POST or DELETE.
    ///   - segments: of the path, not yet encoded.
    ///   - query: not yet encoded.
    ///   - body: JSON, where the change takes one.
    /// - Returns: the answer.
    /// - Throws: `CommandError` with the gateway's own reason where it isn't done.
    func change(
        _ method: HTTPMethod, _ segments: [String], query: [(String, String)] = [], body: JSONValue? = nil
    ) async throws -> JSONValue {
        let response = try await send(method, segments, query: query, body: body)
        let json = try? JSONValue(parsing: response.body)
        if (200...299).contains(response.status), let json { return json }
        if response.status == 401 { throw address.wantsToken }
        guard let text = json?["error"]?.text else { throw isNone(response.status) }
        let problems = (json?["problems"]?.array ?? []).compactMap { $0.text?.printable }
        var error = CommandError(([text.printable] + problems).joined(separator: "\n"))
        error.isAboutOne = response.status == 404 || response.status == 409
        throw error
    }

    private func send(
        _ method: HTTPMethod, _ segments: [String], query: [(String, String)], body: JSONValue? = nil
    ) async throws -> OutboundResponse {
        var bare = address.endpoint
        bare.basePath = ""
        let items = query.map { NodeEndpoint.FormItem($0.0, $0.1) }
        var fields = HTTPFields()
        if let token { fields.append(.authorization, "Bearer \(token)") }
        if method != .get { fields.append("X-ScaleODM-Admin", "1") }
        var request = OutboundRequest(
            method, "\(bare)\(address.endpoint.target(segments, query: items))", fields: fields)
        if let body {
            request.fields.append(.contentType, "application/json")
            request.body = .bytes(Array(body.line.utf8))
        }
        request.timeouts = .init(connect: .seconds(5), total: .seconds(40), stall: nil)
        do throws(HTTPClientError) { return try await http.send(request) } catch {
            if error.code == .cancelled { throw CancellationError() }
            throw address.silence(error.message)
        }
    }

    /// Reads a resource that every admin listener has.
    func list(_ segments: [String], query: [(String, String)] = []) async throws -> JSONValue {
        guard let answer = try await get(segments, query: query) else { throw isNone(404) }
        return answer
    }

    private func read(_ response: OutboundResponse) throws(CommandError) -> JSONValue? {
        let json = try? JSONValue(parsing: response.body)
        switch response.status {
        case 200:
            guard let json else { break }
            return json
        case 401, 403: throw address.wantsToken
        // Of the API itself a 404 carries JSON; of anything else it says that this is no admin listener.
        case 404: if json?["error"] != nil { return nil }
        default:
            if let text = json?["error"]?.text { throw CommandError("\(address.endpoint) answers: \(text.printable)") }
        }
        throw isNone(response.status)
    }

    private func isNone(_ status: Int) -> CommandError {
        CommandError(
            "\(address.endpoint) does not answer as an admin listener (status \(status))",
            advice: "That is `admin.listen` of the inventory; name it with --admin URL or SCALEODM_ADMIN.")
    }
}
