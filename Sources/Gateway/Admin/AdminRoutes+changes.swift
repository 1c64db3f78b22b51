internal import HTTPServer
internal import HTTPTypes

/// What changes something: POST and DELETE.
///
/// Whoever adds one calls ``change(_:_:_:_:_:)`` in ``addChanges(to:)``; token, header and body are looked at here.
extension AdminRoutes {
    /// Carries one change out.
    typealias Change = @Sendable (_ call: AdminCall, _ parts: GatewayStatus.Parts) async throws -> AdminReply

    /// The table of changes.
    func addChanges(to router: inout Router) {
        addBackendChanges(to: &router)
        addTaskChanges(to: &router)
        addReload(to: &router)
    }

    /// Adds one change to the table.
    /// - Parameters:
    ///   - router: the table.
    ///   - method: never GET.
    ///   - pattern: as the router reads it.
    ///   - name: for the log and metrics.
    ///   - parameters: what its query may have.
    ///   - handle: called once the caller is known to be allowed and query and body are read; may throw `AdminError`.
    func change(
        _ router: inout Router, _ method: HTTPMethod, _ pattern: String, _ name: String,
        query parameters: [String] = [], _ handle: @escaping Change
    ) {
        router.on(method, pattern, name: name) { request, captures, body, response in
            let reply: AdminReply
            if let refusal = refusal(of: request) {
                reply = refusal
            } else {
                reply = try await answer { parts in
                    let query = try AdminQuery(request, parameters)
                    let members = try await AdminCall.body(of: request, body)
                    return try await handle(AdminCall(query: query, captures: captures, body: members), parts)
                }
            }
            try await Self.send(reply, response)
        }
    }

    private func refusal(of request: HTTPRequest) -> AdminReply? {
        if let denial = denial(of: request) { return denial }
        guard let value = request.fields[AdminCall.header], !value.isEmpty else {
            return .error(.forbidden, "A change must carry the header `\(AdminCall.header): 1`.")
        }
        return nil
    }
}
