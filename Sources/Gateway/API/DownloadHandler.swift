internal import Backends
internal import HTTPRelay
internal import HTTPServer
internal import HTTPTypes
internal import Model
internal import NodeODM
internal import Observability
internal import Record

/// GET /task/{uuid}/download/{asset}: streamed from the backend that owns the task.
struct DownloadHandler: Sendable {
    let lookup: TaskLookup
    let upstreams: UpstreamDirectory
    let logger: Logger

    /// Where the asset is.
    /// - Throws: NodeODM's refusals; `noAnswer` where the owner can't be found out now.
    func source(of call: APICall) async throws(APIError) -> (BackendName, DownloadSource) {
        let id = try call.task()
        let task = try await lookup.task(id, for: call.caller)
        let asset = call.asset ?? ""
        // A path that tries to leave its place is no asset of any backend.
        guard !asset.isEmpty, !asset.contains(".."), !asset.hasPrefix("/"), !asset.contains("\0") else {
            throw .refused("Invalid asset")
        }
        guard let attempt = task.record.attempt, let backend = lookup.fleet.backend(attempt.backend) else {
            throw task.record.shownCode == .completed
                ? .refused("The backend of this task is no longer listed; its results can't be reached.")
                : .refused("Asset not ready")
        }
        guard let source = backend.download(of: attempt.backendTask, asset: asset) else {
            throw .refused("Invalid asset")
        }
        guard task.record.shownCode == .completed else { throw .refused("Asset not ready") }
        return (attempt.backend, source)
    }

    /// Streams the asset.
    ///
    /// An owner that can't be reached gets no answer of ours: PyODM retries a broken connection, while an error would fail
    /// the task, and a 5xx to a range makes it try for ever (contract, section 9).
    func relay(
        _ source: DownloadSource, of backend: BackendName, _ call: APICall, origin: CrossOrigin,
        _ response: consuming ResponseWriter
    ) async throws {
        let request = UpstreamRequest(passing: Self.withoutToken(call.request), target: source.target)
        let notes = response.notes
        let upstreams = upstreams
        let logger = logger
        try await response.relay { client in
            do throws(RelayError) {
                return try await upstreams.relay(
                    request, to: source, of: backend, client: client, onEnd: { notes.bytesOut = $0 },
                    rewriteHead: { head in
                        notes.status = Int(head.status.code)
                        return Self.shown(head, to: call.request, origin: origin)
                    })
            } catch {
                let metadata: [String: LogValue] = [
                    "backend": .string(backend.string), "code": .string(error.code.rawValue),
                    "error": .string(error.message),
                ]
                logger.warning("download broke off", metadata)
                return .close
            }
        }
    }

    /// The client's own token is for us, not for the backend.
    private static func withoutToken(_ request: HTTPRequest) -> HTTPRequest {
        var request = request
        request.fields.remove(.authorization)
        request.fields.remove(.cookie)
        return request
    }

    /// What of the backend's head the client sees: framing, ranges and type, but not who serves it.
    private static func shown(_ head: HTTPResponse, to request: HTTPRequest, origin: CrossOrigin) -> HTTPResponse {
        var fields = HTTPFields()
        for name in kept { for value in head.fields.values(name) { fields.append(name, value) } }
        origin.mark(&fields, for: request)
        return HTTPResponse(head.status, fields: fields)
    }

    private static let kept: [HTTPField.Name] = [
        .contentType, .contentLength, .contentDisposition, .contentRange, .acceptRanges, .etag, .lastModified, .date,
        .transferEncoding,
    ]
}
