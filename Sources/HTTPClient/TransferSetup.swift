internal import CCurl
internal import CCurlShims
internal import HTTPTypes
internal import Observability
internal import Reactor

/// Turns a request into a libcurl transfer with all its options.
struct TransferSetup {
    private let request: OutboundRequest
    private let configuration: CurlClient.Configuration
    /// The body's length; nil when it isn't known, 0 without a body.
    private let length: Int64?
    private let contentType: String?
    /// Where the body comes from, unless it is in memory.
    private let source: (any BodySource)?
    private let bytes: [UInt8]

    init(_ request: OutboundRequest, _ configuration: CurlClient.Configuration) throws(HTTPClientError) {
        self.request = request
        self.configuration = configuration
        switch request.body {
        case .none: (length, contentType, source, bytes) = (0, nil, nil, [])
        case .stream(let length?, _) where length < 0:
            throw HTTPClientError(.invalidRequest, "the body's length is negative")
        case .bytes(let bytes): (length, contentType, source, self.bytes) = (Int64(bytes.count), nil, nil, bytes)
        case .stream(let length, let source): (self.length, contentType, self.source, bytes) = (length, nil, source, [])
        case .multipart(let fields):
            let form = MultipartSource(fields, boundary: MultipartSource.randomBoundary())
            guard let length = form.length else {
                throw HTTPClientError(.invalidRequest, "the form's length is negative or overflows")
            }
            (self.length, contentType, source, bytes) = (length, form.contentType, form, [])
        }
    }

    /// The body to be pumped, if it is a stream.
    var upload: Upload? { hasBody ? source.map { Upload(source: $0, length: length) } : nil }

    private var hasBody: Bool { length != 0 }
    private var redirects: Int { hasBody ? 0 : request.followRedirects }

    func transfer(_ delivery: CurlTransfer.Delivery) throws(HTTPClientError) -> CurlTransfer {
        CurlGlobal.start()
        guard
            let transfer = CurlTransfer(
                delivery: delivery, outboundGuard: request.outboundGuard, followsRedirects: redirects > 0)
        else { throw HTTPClientError(.notSent, "libcurl has no memory for a transfer") }
        try setDestination(transfer)
        setMethod(transfer.handle)
        setFields(transfer)
        setTimeouts(transfer.handle)
        setConnection(transfer.handle)
        setSecurity(transfer.handle)
        if source != nil, hasBody { transfer.expectBody() } else { transfer.stage(bytes) }
        return transfer
    }

    // MARK: Where to

    private func setDestination(_ transfer: CurlTransfer) throws(HTTPClientError) {
        let handle = transfer.handle
        guard !request.url.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) else {
            throw HTTPClientError(.invalidRequest, "the URL has blanks or control characters")
        }
        var url = request.url
        if let serverName = request.tls.serverName {
            let renamed = try RenamedURL(url, serverName: serverName)
            url = renamed.url
            guard let list = curl_slist_append(nil, renamed.connectTo) else { return }
            transfer.keep(list)
            shim_curl_setopt_pointer(handle, CURLOPT_CONNECT_TO, list)
        }
        shim_curl_setopt_string(handle, CURLOPT_URL, url)
        if request.keepsPath { shim_curl_setopt_long(handle, CURLOPT_PATH_AS_IS, 1) }
        shim_curl_setopt_string(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        shim_curl_setopt_string(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https")
        shim_curl_setopt_long(handle, CURLOPT_FOLLOWLOCATION, redirects > 0 ? 1 : 0)
        shim_curl_setopt_long(handle, CURLOPT_MAXREDIRS, redirects)
        // The environment's proxy would be what the guard sees, and is not meant for backends.
        shim_curl_setopt_string(handle, CURLOPT_PROXY, "")
        // HTTP/2 would share a connection, and a failure of it, between requests.
        shim_curl_setopt_long(handle, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    }

    // MARK: What

    private func setMethod(_ handle: UnsafeMutableRawPointer) {
        switch request.method {
        case .get where !hasBody: shim_curl_setopt_long(handle, CURLOPT_HTTPGET, 1)
        case .head: shim_curl_setopt_long(handle, CURLOPT_NOBODY, 1)
        case .post:
            shim_curl_setopt_long(handle, CURLOPT_POST, 1)
            shim_curl_setopt_offset(handle, CURLOPT_POSTFIELDSIZE_LARGE, length ?? -1)
        case .put:
            shim_curl_setopt_long(handle, CURLOPT_UPLOAD, 1)
            shim_curl_setopt_offset(handle, CURLOPT_INFILESIZE_LARGE, length ?? -1)
        case .get, .delete, .options, .patch, .other:
            if hasBody {
                shim_curl_setopt_long(handle, CURLOPT_UPLOAD, 1)
                shim_curl_setopt_offset(handle, CURLOPT_INFILESIZE_LARGE, length ?? -1)
            }
            shim_curl_setopt_string(handle, CURLOPT_CUSTOMREQUEST, request.method.name)
        }
    }

    private func setFields(_ transfer: CurlTransfer) {
        var list: UnsafeMutablePointer<curl_slist>?
        func add(_ line: String) { list = curl_slist_append(list, line) ?? list }
        for (name, value) in request.fields where !Self.isOwn(name) {
            if contentType != nil, ASCII.equalIgnoringCase(name, "Content-Type") { continue }
            // libcurl takes a line with nothing behind the colon for a wish to remove the field.
            add(value.isEmpty ? "\(name);" : "\(name): \(value)")
        }
        if let contentType {
            add("Content-Type: \(contentType)")
        } else if !request.fields.contains(.contentType) {
            add("Content-Type:")
        }
        if let trace = TraceContext.current, !request.fields.contains("traceparent") {
            add("traceparent: \(trace.traceparent)")
        }
        if length == nil { add("Transfer-Encoding: chunked") }
        // NodeODM's HTTP library answers "continue" before it looks at the request: waiting for it gains nothing.
        add("Expect:")
        guard let list else { return }
        transfer.keep(list)
        shim_curl_setopt_pointer(transfer.handle, CURLOPT_HTTPHEADER, list)
        shim_curl_setopt_string(transfer.handle, CURLOPT_USERAGENT, configuration.userAgent)
    }

    private static func isOwn(_ name: String) -> Bool {
        ["Host", "Content-Length", "Transfer-Encoding", "Expect", "Connection"].contains {
            ASCII.equalIgnoringCase(name, $0)
        }
    }

    // MARK: How

    private func setTimeouts(_ handle: UnsafeMutableRawPointer) {
        shim_curl_setopt_long(handle, CURLOPT_NOSIGNAL, 1)
        shim_curl_setopt_long(handle, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(request.timeouts.connect))
        if let total = request.timeouts.total {
            shim_curl_setopt_long(handle, CURLOPT_TIMEOUT_MS, milliseconds(total))
        }
        if let stall = request.timeouts.stall {
            shim_curl_setopt_long(handle, CURLOPT_LOW_SPEED_LIMIT, 1)
            shim_curl_setopt_long(handle, CURLOPT_LOW_SPEED_TIME, max(1, milliseconds(stall) / 1_000))
        }
    }

    /// At least one: 0 means "no limit" or "the default" to libcurl.
    private func milliseconds(_ duration: Duration) -> Int {
        max(1, Int(min(duration.inNanoseconds / 1_000_000, Int64(Int32.max))))
    }

    private func setConnection(_ handle: UnsafeMutableRawPointer) {
        shim_curl_setopt_long(handle, CURLOPT_MAXAGE_CONN, max(1, milliseconds(configuration.idleLimit) / 1_000))
        shim_curl_setopt_long(handle, CURLOPT_BUFFERSIZE, 65_536)
        shim_curl_setopt_long(handle, CURLOPT_UPLOAD_BUFFERSIZE, 131_072)
        let isGuarded = request.outboundGuard != nil
        // libcurl repeats a request whose pooled connection turns out dead, unless part of its body is gone already. So an
        // empty POST would be sent twice without our knowing.
        let isFresh = isGuarded || request.needsOwnConnection || isUnsafeToRepeat && !hasBody
        shim_curl_setopt_long(handle, CURLOPT_FRESH_CONNECT, isFresh ? 1 : 0)
        shim_curl_setopt_long(handle, CURLOPT_FORBID_REUSE, isGuarded ? 1 : 0)
    }

    private var isUnsafeToRepeat: Bool {
        switch request.method {
        case .get, .head, .options, .put, .delete: false
        case .post, .patch, .other: true
        }
    }

    private func setSecurity(_ handle: UnsafeMutableRawPointer) {
        let tls = request.tls
        if let file = tls.authoritiesFile ?? configuration.authoritiesFile {
            shim_curl_setopt_string(handle, CURLOPT_CAINFO, file)
        }
        if let file = tls.certificateFile { shim_curl_setopt_string(handle, CURLOPT_SSLCERT, file) }
        if let file = tls.keyFile { shim_curl_setopt_string(handle, CURLOPT_SSLKEY, file) }
        shim_curl_setopt_long(handle, CURLOPT_SSL_VERIFYPEER, tls.isInsecure ? 0 : 1)
        shim_curl_setopt_long(handle, CURLOPT_SSL_VERIFYHOST, tls.isInsecure ? 0 : 2)
    }
}
