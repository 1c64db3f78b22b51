public import Reactor

/// Makes requests to other servers, on an event loop, over libcurl: everything outbound that is not the relay path.
///
/// Connections are pooled and reused while younger than `idleLimit`. A request with a body that meets a dead pooled
/// connection fails with `outcomeUnknown` instead of being sent again behind the caller's back; a POST without a body, of
/// which libcurl could not tell that, always has a connection of its own. GET and HEAD are repeated by libcurl.
public final class CurlClient: Sendable {
    /// Bounds.
    public struct Configuration: Sendable {
        /// Connections to one host at once; further requests wait.
        public var connectionsPerHost = 64
        /// Connections at once; further requests wait. 0 for no limit.
        public var connections = 0
        /// Idle connections kept.
        public var idleConnections = 64
        /// An idle connection older than this isn't used again, in whole seconds: Express closes after 5 s.
        public var idleLimit: Duration = .seconds(4)
        /// What goes into User-Agent.
        public var userAgent = "scaleodm"
        /// PEM file of the authorities to trust where a request names none; nil for the system's. By default what
        /// SSL_CERT_FILE names, as for other programs on OpenSSL.
        public var authoritiesFile = CurlGlobal.environmentAuthorities
        /// The default bounds.
        public init() {}
    }

    private let port: CurlPort
    private let configuration: Configuration

    /// Where libcurl runs.
    public var loop: EventLoop { port.loop }

    /// Whether libcurl looks names up without blocking the loop, as Debian's does.
    public static var resolvesAsynchronously: Bool { CurlGlobal.resolvesAsynchronously }

    /// A client on a loop; may be made and used from any task.
    /// - Parameters:
    ///   - loop: where libcurl runs.
    ///   - configuration: bounds.
    public init(loop: EventLoop, configuration: Configuration = Configuration()) {
        self.configuration = configuration
        port = CurlPort(loop: loop, multi: CurlMulti(loop: loop, configuration: configuration))
    }

    deinit {
        let multi = port.multi
        port.loop.execute { multi.shutDown() }
    }

    /// Ends all transfers with `.cancelled` and closes all connections.
    public func close() async { await port.shutDown() }

    /// Makes a request and collects the answer.
    /// - Parameter request: `maximumBody` bounds the answer.
    /// - Returns: the answer, whatever its status.
    /// - Throws: `HTTPClientError` when there is no complete answer.
    public func send(_ request: OutboundRequest) async throws(HTTPClientError) -> OutboundResponse {
        let port = port
        let (transfer, upload) = try prepare(request, delivery: .collect(limit: request.maximumBody))
        return try await whileCancellable(transfer, upload) { () async throws(HTTPClientError) -> OutboundResponse in
            let head = try await port.start(transfer)
            return OutboundResponse(
                status: head.status, fields: head.fields, body: try await port.collect(transfer))
        }
    }

    /// Makes a request and hands out the answer as it comes.
    /// - Parameters:
    ///   - request: what to ask.
    ///   - starting: gets what ends the transfer from elsewhere, before anything is sent.
    ///   - body: gets the head and the body; when it returns or throws before the body's end, the transfer is aborted.
    /// - Returns: what `body` returned.
    /// - Throws: `HTTPClientError`, and what `body` throws.
    public func stream<Result>(
        _ request: OutboundRequest, starting: (TransferStop) -> Void = { _ in },
        _ body: (OutboundHead, BodyStream) async throws -> Result
    ) async throws -> Result {
        let port = port
        let (transfer, upload) = try prepare(request, delivery: .stream)
        starting(TransferStop(port: port, transfer: transfer))
        return try await whileCancellable(transfer, upload) { () async throws -> Result in
            let head = try await port.start(transfer)
            return try await body(head, BodyStream(port: port, transfer: transfer))
        }
    }

    /// Makes a request and hands out the answer's head; its body is read where and when the caller likes.
    /// - Parameter request: has no streamed body.
    /// - Returns: the answer, whatever its status; dropping it ends the transfer.
    /// - Throws: `HTTPClientError` when no head came.
    public func open(_ request: OutboundRequest) async throws(HTTPClientError) -> OpenAnswer {
        let (transfer, upload) = try prepare(request, delivery: .stream)
        guard upload == nil else {
            throw HTTPClientError(.invalidRequest, "a request with a streamed body can't be left open")
        }
        let head = try await OpenAnswer.whileCancellable(transfer, port) { [port] () async throws(HTTPClientError) in
            try await port.start(transfer)
        }
        return OpenAnswer(head: head, port: port, transfer: transfer)
    }

    /// Runs `work` while the body's source is read beside it; whatever the way out, the transfer is over afterwards.
    private func whileCancellable<Result, Failure: Error>(
        _ transfer: CurlTransfer, _ upload: Upload?, _ work: () async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        let port = port
        let outcome: Swift.Result<Result, Failure> = await withTaskCancellationHandler {
            async let _: Void? = upload?.pump(into: transfer, over: port)
            let outcome: Swift.Result<Result, Failure>
            do throws(Failure) { outcome = .success(try await work()) } catch { outcome = .failure(error) }
            await port.abort(transfer, HTTPClientError(.cancelled, "the answer was not read to its end"))
            return outcome
        } onCancel: {
            port.loop.execute {
                port.multi.abort(transfer, HTTPClientError(.cancelled, "the calling task was cancelled"))
            }
        }
        return try outcome.get()
    }

    private func prepare(
        _ request: OutboundRequest, delivery: CurlTransfer.Delivery
    ) throws(HTTPClientError) -> (CurlTransfer, Upload?) {
        let setup = try TransferSetup(request, configuration)
        return (try setup.transfer(delivery), setup.upload)
    }
}
