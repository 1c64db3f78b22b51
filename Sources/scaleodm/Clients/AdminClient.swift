internal import HTTPClient
internal import HTTPTypes
internal import NodeODM

/// Reads a running gateway's admin API.
struct AdminClient: Sendable {
    let address: ServerAddress
    private let token: String?
    private let http: CurlClient

    init(_ address: ServerAddress, token: String?, http: CurlClient) {
        self.address = address
        self.token = token
        self.http = http
    }

    /// Reads one resource.
    /// - Parameters:
    ///   - segments: of the path, not yet encoded.
    ///   - query: not yet encoded.
    /// - Returns: the answer; nil where there is no such thing.
    /// - Throws: `CommandError`.
    func get(_ segments: [String], query: [(String, String)] = []) async throws -> JSONValue? {
        var bare = address.endpoint
        bare.basePath = ""
        let items = query.map { NodeEndpoint.FormItem($0.0, $0.1) }
        var fields = HTTPFields()
        if let token { fields.append(.authorization, "Bearer \(token)") }
        var request = OutboundRequest(
            .get, "\(bare)\(address.endpoint.target(segments, query: items))", fields: fields)
        request.timeouts = .init(connect: .seconds(5), total: .seconds(40), stall: nil)
        let response: OutboundResponse
        do throws(HTTPClientError) { response = try await http.send(request) } catch {
            if error.code == .cancelled { throw CancellationError() }
            throw address.silence(error.message)
        }
        return try read(response)
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
