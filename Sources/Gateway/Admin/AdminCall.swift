internal import HTTPServer
internal import HTTPTypes
internal import NodeODM

/// One change that somebody asks of the admin API, checked already: his token, the header, the query, the body.
struct AdminCall: Sendable {
    /// What stands behind the path.
    let query: AdminQuery
    /// What the path names.
    let captures: RouteCaptures
    /// The members of the body's object; none without a body.
    let body: [JSONMember]

    /// What every change must carry.
    ///
    /// A web page can't send it without asking first, and this API never answers such a question: so no page that an operator
    /// looks at changes anything in his name.
    static let header: HTTPField.Name = "X-ScaleODM-Admin"
    /// A body may have so many bytes.
    static let bodyLimit = 1 << 20

    /// A member of the body.
    subscript(_ name: String) -> JSONValue? { body.last { $0.name == name }?.value }

    /// Reads the body of a change.
    /// - Throws: `AdminError` for what is no JSON object or too long; what the connection throws.
    static func body(of request: HTTPRequest, _ body: RequestBody) async throws -> [JSONMember] {
        let bytes: [UInt8]
        do throws(HTTPServerError) { bytes = try await body.collect(upTo: bodyLimit) } catch {
            guard error.code == .bodyTooLarge else { throw error }
            throw AdminError(.contentTooLarge, "The body has more than \(bodyLimit) bytes.")
        }
        guard !bytes.isEmpty else { return [] }
        let type = request.fields[.contentType].flatMap { MediaType($0) }?.essence.lowercased()
        guard type == "application/json" else {
            throw AdminError(.unsupportedMediaType, "The body must be JSON: Content-Type: application/json.")
        }
        let value: JSONValue
        do throws(JSONParseError) { value = try JSONValue(parsing: bytes) } catch {
            throw AdminError(.badRequest, "The body is no JSON: \(error.message)")
        }
        guard let members = value.members else { throw AdminError(.badRequest, "The body must be a JSON object.") }
        return members
    }
}

/// Why a call of the admin API isn't done: a status, and one sentence for people.
struct AdminError: Error, Sendable, Equatable {
    let status: HTTPStatus
    let message: String

    init(_ status: HTTPStatus, _ message: String) {
        self.status = status
        self.message = message
    }
}

/// What the admin API answers: a status and JSON.
struct AdminReply: Sendable, Equatable {
    let status: HTTPStatus
    let body: [UInt8]

    init(_ status: HTTPStatus, _ body: [UInt8]) {
        self.status = status
        self.body = body
    }

    /// JSON that is there already, with status 200.
    init(_ body: [UInt8]) { self.init(.ok, body) }

    /// An object, written by `write`.
    static func object(_ status: HTTPStatus = .ok, _ write: (inout JSONWriter) -> Void) -> AdminReply {
        var json = JSONWriter()
        json.beginObject()
        write(&json)
        json.endObject()
        return AdminReply(status, json.bytes)
    }

    /// The answer to a request that can't be read, or whose answer fails: in the same form as any other.
    @Sendable
    static func toError(_ error: any Error, _ request: HTTPRequest?) -> (HTTPResponse, [UInt8]) {
        let known = error as? HTTPServerError
        let reply = AdminReply.error(known?.status ?? .internalServerError, known?.message ?? "The gateway failed.")
        return (HTTPResponse(reply.status, fields: fields), reply.body)
    }

    /// Of every answer.
    static let fields: HTTPFields = [.contentType: "application/json; charset=utf-8", .cacheControl: "no-store"]

    /// `{"error": text}`.
    static func error(_ status: HTTPStatus, _ text: String) -> AdminReply {
        object(status) { json in
            json.key("error")
            json.string(text)
        }
    }
}
