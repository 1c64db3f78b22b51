internal import HTTPClient
internal import HTTPTypes
internal import NodeODM

/// Sorts what a cluster answered: by the status first, then by the code or reason in it, then by its text. Bodies that aren't
/// JSON come from proxies and limiters, and say nothing of our objects.
struct ArgoAnswer {
    let status: Int
    let body: [UInt8]
    /// Whether the request changes something, so that a doubtful answer leaves its outcome unknown.
    let isWrite: Bool

    /// The answer's JSON, or the failure it is.
    func json() throws(ArgoError) -> JSONValue {
        guard (200..<300).contains(status) else { throw failure }
        do { return try JSONValue(parsing: body) } catch {
            throw ArgoError(
                isWrite ? .outcomeUnknown : .malformedAnswer, status: status,
                "the cluster's answer is no JSON: \(error.message)")
        }
    }

    /// What a status other than success means.
    var failure: ArgoError {
        let json = Self.json(in: body)
        // gRPC's envelope of streams stands one level deeper.
        let error = json?["error"]?.members != nil ? json?["error"] : json
        let text = (error?["message"]?.text ?? error?["error"]?.text ?? json?["error"]?.text).map {
            String($0.prefix(500))
        }
        let message = "status \(status)\(text.map { ": \($0)" } ?? "")"
        return ArgoError(
            code(grpc: error?["code"]?.integer, reason: json?["reason"]?.text, text ?? ""), status: status, message)
    }

    private func code(grpc: Int64?, reason: String?, _ text: String) -> ArgoError.Code {
        switch status {
        case 400 where Self.meansGone(text): return .gone
        case 400, 422: return .refused
        case 401: return .unauthorized
        case 403: return .forbidden
        case 404:
            let isSpoken = grpc == 5 || reason == "NotFound"
            return isSpoken && text.range(ofText: "namespace") == nil ? .notFound : .noSuchPlace
        case 409: return .conflict
        case 410: return .gone
        case 429: return .busy
        case 501: return .noSuchPlace
        case 500 where text.range(ofText: "shutdown a completed workflow") != nil: return .alreadyOver
        default: return isWrite ? .outcomeUnknown : .malformedAnswer
        }
    }

    /// Kubernetes' 410 comes through the Argo Server as a 400.
    static func meansGone(_ text: String) -> Bool {
        text.range(ofText: "too old resource version") != nil || text.range(ofText: "resourceVersion too old") != nil
            || text.range(ofText: "Expired") != nil
    }

    /// JSON, also behind an event stream's `data:`.
    private static func json(in body: [UInt8]) -> JSONValue? {
        let mark = Array("data:".utf8)
        let text = body.starts(with: mark) ? Array(body.dropFirst(mark.count)) : body
        return try? JSONValue(parsing: text)
    }
}

extension ArgoError {
    /// What a call without an answer means.
    init(_ error: HTTPClientError, isWrite: Bool) {
        let code: Code =
            switch error.code {
            case .notSent, .refusedAddress, .invalidRequest: .notSent
            case .outcomeUnknown, .timedOut: .outcomeUnknown
            case .tooLarge: isWrite ? .outcomeUnknown : .malformedAnswer
            case .cancelled: .cancelled
            case .sourceFailed: .outcomeUnknown
            }
        self.init(code, error.message)
    }
}
