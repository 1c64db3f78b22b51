internal import HTTPTypes

/// Sorts what a node answered: NodeODM says nearly every failure with status 200 (contract 1.1).
struct NodeAnswer {
    /// What was asked; the same words mean different things to different calls.
    enum Call {
        case node, initialise, upload, commit, task
    }

    let status: Int
    let body: [UInt8]
    let call: Call
    /// The task that was asked about, where it is one.
    let uuid: String?
    /// Whose token must not show in an error.
    let endpoint: NodeEndpoint

    /// The answer's JSON, or the failure it is.
    func json() throws(NodeODMError) -> JSONValue {
        guard status == 200 else { throw failure(ofStatus: status) }
        let json: JSONValue
        do { json = try JSONValue(parsing: body) } catch {
            throw NodeODMError(.malformedAnswer, "the node's answer is no JSON: \(error.message)")
        }
        guard let error = json["error"] else { return json }
        let text = error.text ?? "an error without a text"
        throw NodeODMError(code(of: text), shown(text))
    }

    /// The answer of a control call, which must say so when it worked.
    func success() throws(NodeODMError) {
        guard try json()["success"]?.bool == true else {
            throw NodeODMError(.malformedAnswer, "the node's answer says neither success nor error")
        }
    }

    private func failure(ofStatus status: Int) -> NodeODMError {
        // The node's words, if it has any: ScaleODM and our own kind use true statuses with JSON.
        let json = try? JSONValue(parsing: body)
        let text = (json?["error"]?.text ?? json?["detail"]?.text).map(shown)
        let message = text.map { "status \(status): \($0)" } ?? "the node answered with status \(status)"
        switch status {
        case 401, 403: return NodeODMError(.unauthorized, message)
        case 429: return NodeODMError(.busy, message)
        case 400, 413, 422: return NodeODMError(.refused, message)
        // 404 among them: a wrong path or a proxy in between says it too, so it doesn't mean "unknown task".
        default: return NodeODMError(.malformedAnswer, message)
        }
    }

    /// What the text of an error means.
    private func code(of text: String) -> NodeODMError.Code {
        let lower = ASCII.lowercased(text)
        if lower.hasPrefix("invalid authentication") || lower == "invalid token" { return .unauthorized }
        if Self.isBusy(lower) { return .busy }
        switch call {
        case .initialise: return lower.hasPrefix("invalid set-uuid") ? .identityRefused : .refused
        case .upload, .commit:
            // ClusterODM says "Invalid taskId: the task no longer exists."
            return lower.hasPrefix("invalid uuid") || lower.hasPrefix("invalid taskid") ? .uploadLost : .refused
        case .task: return isUnknownTask(lower) ? .unknownTask : .refused
        case .node: return .refused
        }
    }

    /// Exactly the task that was asked about; another "not found" is about something else, such as an asset.
    private func isUnknownTask(_ lower: String) -> Bool {
        if let uuid, lower == "\(ASCII.lowercased(uuid)) not found" { return true }
        // NodeODM's upload calls and ClusterODM: `rules.md`, "ClusterODM as a backend".
        return ["invalid uuid (not found)", "invalid route", "invalid taskid"].contains { lower.hasPrefix($0) }
    }

    /// ClusterODM's limits of concurrency and flood, and a fleet behind it that is away.
    private static func isBusy(_ lower: String) -> Bool {
        ["maximum number of concurrent", "flood", "slow down", "no nodes are online"].contains { lower.contains($0) }
    }

    /// A node's words, fit for one line of a log.
    private func shown(_ text: String) -> String {
        let line = OutputCleaner.clean(endpoint.redacting(text))
        return line.utf8.count <= 500 ? line : "\(line.prefix(200))…"
    }
}
