internal import HTTPTypes

/// Which web pages may use the API from a browser (contract 1.6): no credentials, so a star is safe.
struct CrossOrigin: Sendable {
    private let origins: Set<String>
    private let allowsAll: Bool

    /// - Parameter origins: as the inventory lists them; `*` allows every page.
    init(origins: [String]) {
        self.origins = Set(origins)
        allowsAll = origins.contains("*")
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
