internal import Backends
internal import HTTPClient
internal import HTTPRelay
internal import HTTPServer
internal import HTTPTypes
internal import Reactor

/// One download from a backend that is reached by TLS, or that redirects to an object store: libcurl decrypts and follows on the loop
/// that serves the client.
///
/// It keeps what the relay of plain downloads keeps: ranges, validators and lengths, one body that waits for its reader, and an
/// upstream that ends as soon as the client leaves.
struct SecureDownload {
    let source: DownloadSource
    let client: CurlClient

    /// Streams an asset.
    /// - Parameters:
    ///   - request: the client's.
    ///   - waiting: taken once the backend's head is there; left where it gives none, or none that is shown.
    ///   - shown: what the client sees of the backend's head, or its refusal.
    /// - Throws: `HTTPClientError` for the backend, `HTTPServerError` for the client, of which nobody can be told; what `shown`
    ///   throws.
    func run(
        _ request: HTTPRequest, _ waiting: inout ResponseWriter?, shown: (HTTPResponse) throws -> HTTPResponse
    ) async throws {
        guard let socket = waiting?.clientSocket else { return }
        let previous = socket.onPeerClose
        defer { socket.onPeerClose = socket.peerHasClosed ? nil : previous }
        try await client.stream(
            outbound(request),
            starting: { stop in
                socket.onPeerClose = {
                    stop.now()
                    previous?()
                }
            }
        ) { head, body in
            if source.redirects, !Self.isAsset(head.status) { return try Self.refuse(head.status) }
            let shown = try shown(HTTPResponse(HTTPStatus(head.status), fields: head.fields))
            guard let response = waiting.take() else { return }
            let isHead = response.isHead
            let length = head.fields[.contentLength].flatMap { Int64($0) }
            var writer = try await response.start(shown, contentLength: length)
            while !isHead, let bytes = try await body.next() { try await writer.write(bytes) }
            try await writer.finish()
        }
    }

    private static func isAsset(_ status: Int) -> Bool { [200, 206, 304, 412, 416].contains(status) }

    /// Who redirects has true statuses and documents of its own; clients of NodeODM know neither.
    /// - Throws: `rejected` where it may have forgotten the task, which it is then asked.
    private static func refuse(_ status: Int) throws {
        switch status {
        case 404: throw RelayError(.rejected, "the backend doesn't have the asset")
        case 400, 422: throw APIError.refused("Invalid asset")
        case 409: throw APIError.refused("Asset not ready")
        // As with a backend out of reach: PyODM tries again where it gets no answer.
        default: return
        }
    }

    private func outbound(_ request: HTTPRequest) -> OutboundRequest {
        let host = source.host.contains(":") ? "[\(source.host)]" : source.host
        let scheme = source.isTLS ? "https" : "http"
        // A pre-signed URL is signed for one method.
        let method = source.redirects ? .get : request.method
        var outbound = OutboundRequest(method, "\(scheme)://\(host):\(source.port)\(source.target)")
        outbound.followRedirects = source.redirects ? Self.mostRedirects : 0
        for name in Self.passed { for value in request.fields.values(name) { outbound.fields.append(name, value) } }
        outbound.tls = source.tls
        outbound.timeouts = .init(connect: .seconds(10), total: nil, stall: .seconds(60))
        return outbound
    }

    private static let mostRedirects = 3

    /// What makes an answer another one; the client's token and cookies are for us.
    private static let passed: [HTTPField.Name] = [
        "Accept", "Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since",
    ]
}
