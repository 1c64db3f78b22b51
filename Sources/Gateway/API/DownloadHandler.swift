internal import Backends
internal import HTTPClient
internal import HTTPRelay
internal import HTTPServer
internal import HTTPTypes
internal import Model
internal import NodeODM
internal import Observability
internal import Reactor
internal import Record
internal import Storage

/// GET /task/{uuid}/download/{asset}: streamed from the backend that owns the task, or from the object store with its results.
final class DownloadHandler: Sendable {
    let lookup: TaskLookup
    let upstreams: UpstreamDirectory
    let logger: Logger
    let notes: DownloadNotes
    /// For results in object storage.
    let buckets: ClientBuckets?
    /// Whether spans are recorded, so that backends are told of them.
    let tracesDownloads: Bool

    init(
        lookup: TaskLookup, upstreams: UpstreamDirectory, logger: Logger, notes: DownloadNotes,
        buckets: ClientBuckets?, tracesDownloads: Bool
    ) {
        self.lookup = lookup
        self.upstreams = upstreams
        self.logger = logger
        self.notes = notes
        self.buckets = buckets
        self.tracesDownloads = tracesDownloads
    }

    /// Where an asset comes from.
    enum Source {
        /// The backend of the attempt that made it.
        case backend(Attempt, DownloadSource)
        /// An object store: by this pre-signed URL where there is one, else through the gateway.
        case object(ObjectDownload, link: String?)
    }

    /// So long a pre-signed URL holds: long enough for a large file's beginning; what has begun goes on.
    private static let redirectLife = Duration.seconds(3600)

    /// Where the asset is.
    /// - Throws: NodeODM's refusals; `noAnswer` where the owner can't be found out now.
    func source(of call: APICall, on loop: EventLoop) async throws(APIError) -> Source {
        let id = try call.task()
        let asset = call.asset ?? ""
        let task: Kept
        // Without a wait for nearly all: what is asked for is over, and memory has it.
        if let kept = lookup.readSettledAtOnce(id, for: call.caller, Kept.init) {
            task = kept
        } else {
            task = try await lookup.readSettled(id, for: call.caller, Kept.init)
        }
        // A path that tries to leave its place is no asset of any backend.
        guard Self.staysInPlace(asset) else { throw .refused("Invalid asset") }
        if let output = task.output, let buckets {
            let results = ResultPlace(output, objectStorage: task.objectStorage, buckets)
            let source = try await object(asset, in: results, of: task, on: loop)
            notes.downloaded(id, keptFrom: task.keptFrom, on: loop)
            return source
        }
        let (owner, code) = (task.attempt, task.code)
        guard let owner, let backend = lookup.fleet.backend(owner.backend) else {
            throw code == .completed
                ? .refused("The backend of this task is no longer listed; its results can't be reached.")
                : .refused("Asset not ready")
        }
        guard let source = backend.download(of: owner.backendTask, asset: asset) else {
            throw .refused("Invalid asset")
        }
        guard code == .completed else { throw .refused("Asset not ready") }
        guard !task.isPurged else { throw RefusedDownload.purged }
        notes.downloaded(id, keptFrom: task.keptFrom, on: loop)
        return .backend(owner, source)
    }

    /// The download where it can begin without a wait: what is asked for is over, memory has it, and a backend that speaks plain HTTP
    /// has the results. Nil leaves the rest to `source`, every refusal too.
    func atOnce(_ call: APICall, origin: CrossOrigin) -> RelayedDownload? {
        let asset = call.asset ?? ""
        guard let id = try? call.task(), Self.staysInPlace(asset),
            let task = lookup.readSettledAtOnce(id, for: call.caller, Kept.init), task.code == .completed,
            !task.isPurged, task.output == nil || buckets == nil, let owner = task.attempt,
            let source = lookup.fleet.backend(owner.backend)?.download(of: owner.backendTask, asset: asset),
            !source.isTLS, !source.redirects
        else { return nil }
        return RelayedDownload(self, call, id, of: owner, from: source, keptFrom: task.keptFrom, origin: origin)
    }

    /// What a download has to know of its task.
    private struct Kept: Sendable {
        let attempt: Attempt?
        let isPurged: Bool
        let code: StatusCode
        let keptFrom: Timestamp?
        /// Where its results are in an object store.
        let output: S3URL?
        let objectStorage: String?

        init(_ task: borrowing MirroredTask) {
            attempt = task.record.attempt?.attempt
            isPurged = task.record.attempt?.mayHaveCopy == false
            code = task.record.shownCode
            keptFrom = task.record.keptFrom
            output = task.record.attempt?.output
            objectStorage = task.record.objectStorage
        }
    }

    private func object(
        _ asset: String, in results: ResultPlace, of task: Kept, on loop: EventLoop
    ) async throws(APIError) -> Source {
        guard task.code == .completed else { throw .refused("Asset not ready") }
        guard let owner = task.attempt,
            let beside = lookup.fleet.backend(owner.backend)?.download(of: owner.backendTask, asset: asset)
        else { return try await object(asset, in: results, of: task.attempt?.backend, on: loop) }
        return try await object(asset, in: results, of: owner, beside: beside, on: loop)
    }

    /// An asset in the object store; of a backend that offers assets beside it, what isn't there or can't be read there is asked of
    /// the backend.
    private func object(
        _ asset: String, in results: ResultPlace, of owner: Attempt, beside source: DownloadSource,
        on loop: EventLoop
    ) async throws(APIError) -> Source {
        do throws(APIError) { return try await object(asset, in: results, of: owner.backend, on: loop) } catch {
            guard case .refused = error else { throw error }
            return .backend(owner, source)
        }
    }

    private func object(
        _ asset: String, in results: ResultPlace, of owner: BackendName?, on loop: EventLoop
    ) async throws(APIError) -> Source {
        guard let key = results.key(of: asset) else { throw .refused("Invalid asset") }
        let client = try results.client(over: upstreams.client(on: loop))
        let bucket = results.place.bucket
        let fileName = String(asset.split(separator: "/").last ?? "asset")
        do throws(StorageError) {
            let object = try await client.head(bucket: bucket, key: key)
            let download = ObjectDownload(client: client, bucket: bucket, object: object, fileName: fileName)
            guard let owner, lookup.fleet.member(owner)?.definition.redirectsDownloads == true else {
                return .object(download, link: nil)
            }
            let link = try await client.presign(
                bucket: bucket, key: key, for: Self.redirectLife,
                disposition: "attachment; filename=\(ObjectDownload.quoted(fileName))",
                contentType: ObjectDownload.type(of: fileName))
            return .object(download, link: link)
        } catch {
            switch error.code {
            case .notFound: throw .refused(asset == "all.zip" ? "Asset not ready" : "Invalid asset")
            case .noSuchBucket, .accessDenied:
                throw .refused("The results of this task are in \(results.place), which this gateway can't read.")
            // As with a backend out of reach: PyODM tries again where it gets no answer.
            default: throw .noAnswer
            }
        }
    }

    /// Streams an object.
    func send(
        _ object: ObjectDownload, _ call: APICall, origin: CrossOrigin, _ response: consuming ResponseWriter
    ) async throws {
        do {
            try await object.run(call.request, response) { fields in origin.mark(&fields, for: call.request) }
        } catch let error as StorageError {
            logger.warning(
                "download broke off",
                [
                    "task": .string(call.taskText ?? ""), "code": .string(error.code.rawValue),
                    "error": .string(error.message),
                ])
        }
    }

    /// Over bytes, since every download asks: to search a `String` for a text costs more than to route the request.
    private static func staysInPlace(_ asset: String) -> Bool {
        guard let first = asset.utf8.first, first != UInt8(ascii: "/") else { return false }
        var before: UInt8 = 0
        for byte in asset.utf8 {
            if byte == 0 || (byte == UInt8(ascii: ".") && before == byte) { return false }
            before = byte
        }
        return true
    }

    /// Streams the asset.
    ///
    /// An owner that can't be reached gets no answer of ours: PyODM retries a broken connection, while an error would fail
    /// the task, and a 5xx to a range makes it try for ever (contract, section 9).
    /// - Throws: `refused` where the owner says that it doesn't have the asset.
    func relay(
        _ source: DownloadSource, of owner: Attempt, _ call: APICall, origin: CrossOrigin,
        _ response: consuming ResponseWriter
    ) async throws {
        if source.isTLS || source.redirects {
            return try await fetch(source, of: owner, call, origin: origin, response)
        }
        let (notes, loop) = (response.notes, response.clientSocket.loop)
        let request = upstreamRequest(call.request, to: source, notes)
        try await response.relay { client in
            do throws(RelayError) {
                return try await upstreams.relay(
                    request, to: source, of: owner.backend, client: client, onEnd: { notes.bytesOut = $0 },
                    rewriteHead: { head throws(RelayError) in
                        let shown = try Self.shown(head, to: call, origin: origin)
                        notes.status = Int(head.status.code)
                        return shown
                    })
            } catch {
                return try await brokenOff(error, call, of: owner, from: source, on: loop)
            }
        }
    }

    /// What the backend is asked.
    func upstreamRequest(
        _ asked: HTTPRequest, to source: DownloadSource, _ notes: ExchangeNotes
    ) -> UpstreamRequest {
        shaped(UpstreamRequest(passing: asked, target: source.target), asked, notes)
    }

    /// The same for a client whose connection lives on.
    func upstreamRequest(
        keepingAlive asked: HTTPRequest, to source: DownloadSource, _ notes: ExchangeNotes
    ) -> UpstreamRequest {
        shaped(
            UpstreamRequest(
                method: asked.method, target: source.target, fields: asked.fields,
                clientMinorVersion: asked.minorVersion),
            asked, notes)
    }

    private func shaped(
        _ request: consuming UpstreamRequest, _ asked: HTTPRequest, _ notes: ExchangeNotes
    ) -> UpstreamRequest {
        // The client's own token is for us, not for the backend.
        request.withholdsCredentials = true
        request.isShown = Self.isShown
        // Without a collector the caller's field goes on as it came, which costs nothing.
        if tracesDownloads {
            let trace = TraceContext(following: asked.fields["traceparent"])
            notes.trace = trace
            request.fields["traceparent"] = trace.traceparent
        }
        return request
    }

    /// The relay failed.
    /// - Throws: what the client is told, where it has no head yet.
    func brokenOff(
        _ error: RelayError, _ call: APICall, of owner: Attempt, from source: DownloadSource, on loop: EventLoop
    ) async throws -> RelayEnd {
        if error.code == .rejected { return try await refuse(call, of: owner, from: source, on: loop) }
        Self.log(error.code.rawValue, error.message, of: owner.backend, to: logger)
        return .close
    }

    /// Nothing has gone to the client yet.
    private func refuse(
        _ call: APICall, of owner: Attempt, from source: DownloadSource, on loop: EventLoop
    ) async throws -> RelayEnd {
        var refused = RefusedDownload(lookup: lookup, attempt: owner, loop: loop)
        if source.redirects {
            refused.whereKnown = .refused("Invalid asset")
            refused.whereForgotten = call.asset == "all.zip" ? RefusedDownload.unpacked : .refused("Invalid asset")
        }
        let reason = await refused.reason()
        guard reason != .noAnswer else { return .close }
        throw reason
    }

    /// Over libcurl, which decrypts and follows redirects.
    private func fetch(
        _ source: DownloadSource, of owner: Attempt, _ call: APICall, origin: CrossOrigin,
        _ response: consuming ResponseWriter
    ) async throws {
        let loop = response.clientSocket.loop
        let download = SecureDownload(source: source, client: upstreams.client(on: loop))
        var waiting: ResponseWriter? = consume response
        do {
            try await download.run(call.request, &waiting) { head in
                let fields = head.fields.only(where: Self.isShown)
                return try Self.shown(HTTPResponse(head.status, fields: fields), to: call, origin: origin)
            }
        } catch let error as RelayError where error.code == .rejected {
            guard case .close = try await refuse(call, of: owner, from: source, on: loop) else { return }
        } catch let error as HTTPClientError {
            // The client has left, or sees its connection break off: nothing can be said any more.
            Self.log(error.code.rawValue, error.message, of: owner.backend, to: logger)
        }
        waiting.take()?.closeWithoutAnswer()
    }

    private static func log(_ code: String, _ message: String, of backend: BackendName, to logger: Logger) {
        logger.warning(
            "download broke off",
            ["backend": .string(backend.string), "code": .string(code), "error": .string(message)])
    }

    /// What of the backend's head the client sees: framing, ranges and type, but not who serves it.
    /// - Parameters:
    ///   - head: with the fields that are shown alone.
    ///   - call: the client's.
    ///   - origin: marks the answer for browsers.
    /// - Returns: the head that the client gets.
    /// - Throws: `rejected` for what isn't the asset, but the backend's word on why there is none.
    static func shown(
        _ head: HTTPResponse, to call: APICall, origin: CrossOrigin
    ) throws(RelayError) -> HTTPResponse {
        guard !RefusedDownload.isRefusal(head, of: call.asset ?? "") else {
            throw RelayError(.rejected, "the backend refused the download")
        }
        var shown = head
        origin.mark(&shown.fields, for: call.request)
        return shown
    }

    @Sendable
    private static func isShown(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        switch name.count {
        case 4: ASCII.spells(name, "etag") || ASCII.spells(name, "date")
        case 12: ASCII.spells(name, "content-type")
        case 13:
            ASCII.spells(name, "content-range") || ASCII.spells(name, "accept-ranges")
                || ASCII.spells(name, "last-modified")
        case 14: ASCII.spells(name, "content-length")
        case 17: ASCII.spells(name, "transfer-encoding")
        case 19: ASCII.spells(name, "content-disposition")
        default: false
        }
    }
}
