internal import HTTPClient
internal import HTTPTypes
internal import NodeODM

/// Sorts what a ScaleODM answered: true statuses, and errors as RFC 7807 documents (the Argo contract, 1.1).
///
/// Bodies that are no such document come from proxies, and say nothing of our tasks.
struct ScaleODMAnswer {
    let status: Int
    let body: [UInt8]
    /// Whether the request may start something, so that a doubtful answer leaves its outcome unknown.
    let isSubmission: Bool

    /// The answer's JSON, or the failure it is.
    func json() throws(ScaleODMError) -> JSONValue {
        guard (200..<300).contains(status) else { throw failure }
        do { return try JSONValue(parsing: body) } catch {
            throw ScaleODMError(
                isSubmission ? .outcomeUnknown : .malformedAnswer, "the answer is no JSON: \(error.message)")
        }
    }

    /// The answer of a control call, which must say so when it worked.
    func success() throws(ScaleODMError) {
        guard try json()["success"]?.bool == true else {
            throw ScaleODMError(.malformedAnswer, "the answer says neither success nor an error")
        }
    }

    /// What a status other than success means.
    var failure: ScaleODMError {
        let problem = (try? JSONValue(parsing: body)).flatMap { $0.members == nil ? nil : $0 }
        let text = problem.flatMap(Self.words)
        return ScaleODMError(code(isProblem: problem?["status"] != nil), text ?? "it answered with status \(status)")
    }

    private func code(isProblem: Bool) -> ScaleODMError.Code {
        switch status {
        case 400, 413, 415, 422, 501: .refused
        case 401, 403: .unauthorized
        // Also a wrong path is told as a problem; only of a task that was asked about does the caller believe it.
        case 404: isProblem ? .notFound : .noSuchPlace
        case 300..<400, 405: .noSuchPlace
        case 409: .conflict
        case 429: .busy
        default: isSubmission ? .outcomeUnknown : .malformedAnswer
        }
    }

    /// What a problem document says: its detail, and the fields that it names.
    private static func words(_ problem: JSONValue) -> String? {
        let fields = (problem["errors"]?.array ?? []).compactMap { error -> String? in
            guard let message = error["message"]?.text else { return nil }
            return error["location"]?.text.map { "\($0): \(message)" } ?? message
        }
        let detail = problem["detail"]?.text ?? problem["error"]?.text ?? problem["title"]?.text
        let told = [detail].compactMap(\.self) + fields.prefix(3)
        guard !told.isEmpty else { return nil }
        let line = OutputCleaner.clean(told.joined(separator: "; "))
        return line.utf8.count <= 500 ? line : "\(line.prefix(200))…"
    }
}

extension ScaleODMError {
    /// What a call without an answer means.
    init(_ error: HTTPClientError) {
        let code: Code =
            switch error.code {
            case .notSent, .refusedAddress, .invalidRequest: .notSent
            case .outcomeUnknown, .timedOut, .sourceFailed, .tooLarge: .outcomeUnknown
            case .cancelled: .cancelled
            }
        self.init(code, error.message)
    }
}
