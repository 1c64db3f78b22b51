internal import HTTPServer
internal import HTTPTypes

/// Which web pages may use the API from a browser (contract 1.6): no credentials, so a star is safe.
final class CrossOrigin: Sendable {
    private let origins: Set<String>
    private let allowsAll: Bool
    /// The fields of answers with JSON and with text, marked already where every page may read them.
    private let json: HTTPFields
    private let text: HTTPFields
    /// The head of an answer with JSON that every page may read, or that no page asks for.
    private let readyJSON: ReadyAnswer.Head

    /// - Parameter origins: as the inventory lists them; `*` allows every page.
    init(origins: [String]) {
        self.origins = Set(origins)
        allowsAll = origins.contains("*")
        let mark: HTTPFields = allowsAll ? [.accessControlAllowOrigin: "*"] : [:]
        var (json, text) = (mark, mark)
        json.append(.contentType, "application/json; charset=utf-8")
        text.append(.contentType, "text/plain; charset=utf-8")
        (self.json, self.text) = (json, text)
        readyJSON = ReadyAnswer.Head(HTTPResponse(.ok, fields: json))
    }

    /// The head of a good answer with JSON; nil where it has to be made for this request.
    func readyJSON(for request: HTTPRequest) -> ReadyAnswer.Head? {
        allowsAll || !request.fields.contains(.origin) ? readyJSON : nil
    }

    /// The fields of a reply to a request.
    func fields(of reply: APIReply, to request: HTTPRequest) -> HTTPFields {
        var fields: HTTPFields
        switch reply {
        case .json, .unready: fields = json
        case .text: fields = text
        }
        if !allowsAll { mark(&fields, for: request) }
        return fields
    }

    /// Adds what a browser wants to see in an answer.
    func mark(_ fields: inout HTTPFields, for request: HTTPRequest) {
        guard !allowsAll else { return fields.append(.accessControlAllowOrigin, "*") }
        guard let origin = request.fields[.origin], origins.contains(origin) else { return }
        fields.append(.accessControlAllowOrigin, origin)
        fields.append("Vary", "Origin")
    }

    /// The answer to a preflight request; needs no token.
    func preflight(_ request: HTTPRequest) -> HTTPResponse {
        var fields = HTTPFields()
        mark(&fields, for: request)
        fields.append(.accessControlAllowMethods, "GET, HEAD, POST, OPTIONS")
        fields.append(
            .accessControlAllowHeaders,
            request.fields[.accessControlRequestHeaders] ?? "Content-Type, Authorization, set-uuid, Range")
        fields.append(.accessControlMaxAge, "86400")
        return HTTPResponse(.noContent, fields: fields)
    }
}
