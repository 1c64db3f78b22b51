internal import Glibc
internal import HTTPTypes
public import Reactor

/// One request and its answer on their way between a client and an upstream.
///
/// Reading, rewriting and sending happen in one go, without a suspension between them: what lies in the loop's shared
/// buffer is gone before anybody else runs.
/// `@exclusivity(unchecked)`: see docs/decisions/0008-unchecked-on-the-loop.md.
public final class Exchange {
    /// What has to happen before the next step.
    enum Next {
        /// The rest of the request waits for room.
        case ask(Leftover)
        case step
        case wait
        case flush(Leftover)
        case splice
        case done
    }

    let request: UpstreamRequest
    let client: StreamSocket
    let resources: RelayResources
    let configuration: RelayConfiguration
    let pool: UpstreamPool

    /// Who sees to it while no task does.
    @exclusivity(unchecked) var owner: (any ExchangeOwner)?
    /// How it ended, where no task was needed.
    @exclusivity(unchecked) var end: RelayEnd?
    /// Why it broke off, where a task is still to say so.
    @exclusivity(unchecked) var failure: RelayError?
    @exclusivity(unchecked) var next = Next.step
    /// The upstream's connection of this attempt.
    @exclusivity(unchecked) private(set) var connection: UpstreamConnection?
    /// Bytes of a head that came in pieces.
    @exclusivity(unchecked) private var partialHead: [UInt8] = []
    @exclusivity(unchecked) private var parser: ResponseParser
    @exclusivity(unchecked) private var hasReceived = false
    @exclusivity(unchecked) private var clientHasLeft = false
    /// The body, once the head is there.
    @exclusivity(unchecked) var body: RelayedBody?
    /// Bytes moved since the other connections had their turn.
    @exclusivity(unchecked) var sinceYield = 0
    /// Bytes that the client's socket took, the head among them.
    @exclusivity(unchecked) var sentToClient: Int64 = 0
    @exclusivity(unchecked) private var headBytes: Int64 = 0

    init(
        request: UpstreamRequest, pool: UpstreamPool, client: StreamSocket, resources: RelayResources,
        configuration: RelayConfiguration
    ) {
        self.request = request
        self.pool = pool
        self.client = client
        self.resources = resources
        self.configuration = configuration
        parser = ResponseParser(limits: configuration.limits, keeping: request.isShown)
    }

    // MARK: Questions

    /// Whether the attempt failed because a pooled connection had been closed by the upstream: nothing of an answer came, so
    /// the upstream didn't read the request, and GET and HEAD may be repeated anyway (RFC 9112 §9.3.1).
    func metDeadConnection(_ error: RelayError) -> Bool {
        error.code == .upstreamClosed && !hasReceived && connection?.isReused == true
    }

    /// Whether the upstream's connection may carry another request.
    var leavesUpstreamReusable: Bool {
        guard let body else { return false }
        return body.isComplete && body.upstreamKeepsAlive && !body.hasSurplus
    }

    /// The loop that it lives on.
    public var loop: EventLoop { resources.loop }

    /// Whether it ended in order without a task.
    public var isOver: Bool { end != nil }

    /// Bytes of the answer's body that the client's socket took, with what frames its chunks.
    public var bodyBytesSent: Int64 { max(0, sentToClient - headBytes) }

    // MARK: The course of it

    /// The client is gone: nobody reads the rest, so the upstream may stop at once.
    func clientLeft() {
        clientHasLeft = true
        connection?.socket.close()
    }

    /// Sends the request, and nothing else yet.
    func ask(over connection: UpstreamConnection) throws(RelayError) {
        self.connection = connection
        failure = nil
        if client.peerHasClosed { clientHasLeft = true }
        guard !clientHasLeft else { throw RelayError(.clientClosed, "the client left before the upstream was asked") }
        next = try startRequest(host: pool.hostField, over: connection.socket).map { .ask($0) } ?? .step
    }

    /// Passes the answer back from wherever it is.
    /// - Throws: also what broke it off before.
    func goOn(
        over socket: StreamSocket, _ rewriteHead: (HTTPResponse) throws(RelayError) -> HTTPResponse
    ) async throws(RelayError) -> RelayEnd {
        do throws(RelayError) {
            if let failure { throw failure }
            while true {
                let next = next
                self.next = .step
                switch next {
                case .ask(let rest): try await send(rest, over: socket)
                case .step: self.next = try step(socket, rewriteHead)
                case .wait: try await waitForUpstream(socket)
                case .flush(let leftover): try await flush(leftover)
                case .splice: try await splice(from: socket)
                case .done: return body?.clientEnd ?? .close
                }
                if sinceYield > configuration.budget {
                    sinceYield = 0
                    await resources.loop.yieldToPoll()
                }
            }
        } catch {
            throw cutShort(error)
        }
    }

    private func send(_ leftover: Leftover, over socket: StreamSocket) async throws(RelayError) {
        do throws(ReactorError) {
            socket.writeDeadline = resources.loop.now + configuration.headDeadline
            try await socket.send(leftover.bytes)
        } catch { throw upstreamFailed(error) }
    }

    private func startRequest(host: [UInt8], over socket: StreamSocket) throws(RelayError) -> Leftover? {
        let scratch = resources.scratch
        scratch.head.removeAll(keepingCapacity: true)
        try request.write(to: &scratch.head, host: host)
        var failure: ReactorError?
        let leftover: Leftover? = scratch.head.withUnsafeBytes { bytes in
            do throws(ReactorError) {
                let sent = try socket.sendNow(bytes)
                return sent == bytes.count ? nil : Leftover(UnsafeRawBufferPointer(rebasing: bytes[sent...]))
            } catch {
                failure = error
                return nil
            }
        }
        if let failure { throw upstreamFailed(failure) }
        return leftover
    }

    /// Receives once and passes on what came.
    func step(
        _ socket: StreamSocket, _ rewriteHead: (HTTPResponse) throws(RelayError) -> HTTPResponse
    ) throws(RelayError) -> Next {
        if let body {
            if body.isComplete { return .done }
            if body.isWorthSplicing(from: configuration.spliceFrom) { return .splice }
        }
        let scratch = resources.scratch
        let count: Int?
        do throws(ReactorError) {
            count = try scratch.receive(from: socket, after: partialHead.count)
        } catch { throw upstreamFailed(error) }
        guard let count else { return .wait }
        if count == 0 { return try upstreamEnded() }
        hasReceived = true
        guard body == nil else { return try passOn(Scratch.headroom..<Scratch.headroom + count, head: nil) }
        let filled = Scratch.headroom + partialHead.count + count
        if !partialHead.isEmpty {
            scratch.put(partialHead, at: Scratch.headroom)
            partialHead = []
        }
        return try takeHead(Scratch.headroom..<filled, rewriteHead)
    }

    /// Reads a head, skipping interim ones, and sends it on with what came of the body.
    private func takeHead(
        _ received: Range<Int>, _ rewriteHead: (HTTPResponse) throws(RelayError) -> HTTPResponse
    ) throws(RelayError) -> Next {
        let scratch = resources.scratch
        var start = received.lowerBound
        while start < received.upperBound {
            switch try parser.parse(scratch.bytes(start..<received.upperBound), toHead: request.method == .head) {
            case .incomplete:
                partialHead = Array(scratch.bytes(start..<received.upperBound))
                return .step
            case .interim(let length): start += length
            case .head(var head, let length):
                let seen = HTTPResponse(HTTPStatus(head.status), fields: head.fields)
                // So that the caller may change the fields without a copy.
                head.fields = HTTPFields()
                let answer = try rewriteHead(seen)
                let body = RelayedBody(head, status: answer.status, request: request)
                self.body = body
                body.writeHead(answer, to: &scratch.head)
                headBytes = Int64(scratch.head.count)
                return try passOn(start + length..<received.upperBound, head: scratch.head)
            }
        }
        return .step
    }

    /// Sends on what a received range holds, behind the head if it is time for that, with as few calls as possible: one.
    private func passOn(_ received: Range<Int>, head: [UInt8]?) throws(RelayError) -> Next {
        guard let body else { return .done }
        let scratch = resources.scratch
        var range = try body.take(received, in: scratch)
        if let head {
            guard head.count <= range.lowerBound else {
                // A head that grew beyond the room in front.
                return .flush(Leftover(head, scratch.bytes(range)))
            }
            let start = range.lowerBound - head.count
            scratch.put(head, at: start)
            range = start..<range.upperBound
        }
        return try send(scratch.bytes(range))
    }

    private func send(_ bytes: UnsafeRawBufferPointer) throws(RelayError) -> Next {
        guard !bytes.isEmpty else { return .step }
        sinceYield += bytes.count
        do throws(ReactorError) {
            let sent = try client.sendNow(bytes)
            sentToClient += Int64(sent)
            guard sent < bytes.count else { return .step }
            return .flush(Leftover(UnsafeRawBufferPointer(rebasing: bytes[sent...])))
        } catch { throw clientFailed(error) }
    }

    private func upstreamEnded() throws(RelayError) -> Next {
        guard let body, let end = body.endOfConnection() else {
            throw upstreamFailed(ReactorError(.connectionReset, "the connection ended before the answer did"))
        }
        return end.isEmpty ? .step : .flush(Leftover(end, UnsafeRawBufferPointer(start: nil, count: 0)))
    }

    // MARK: Waiting

    /// When the upstream must have sent something.
    var upstreamDeadline: MonotonicTime {
        resources.loop.now + (body == nil ? configuration.headDeadline : configuration.stallDeadline)
    }

    func waitForUpstream(_ socket: StreamSocket) async throws(RelayError) {
        socket.readDeadline = upstreamDeadline
        do throws(ReactorError) { try await socket.readable() } catch { throw upstreamFailed(error) }
    }

    func waitForClient() async throws(RelayError) {
        client.writeDeadline = resources.loop.now + configuration.clientDeadline
        do throws(ReactorError) { try await client.writable() } catch { throw clientFailed(error) }
    }

    private func flush(_ leftover: Leftover) async throws(RelayError) {
        var rest = leftover.bytes
        while true {
            let sent: Int
            do throws(ReactorError) { sent = try client.sendNow(rest) } catch { throw clientFailed(error) }
            sentToClient += Int64(sent)
            if sent == rest.count { return }
            rest = UnsafeRawBufferPointer(rebasing: rest[sent...])
            try await waitForClient()
        }
    }

    // MARK: Failures

    /// What a failure on the upstream's side means.
    func upstreamFailed(_ error: ReactorError) -> RelayError {
        if clientHasLeft { return RelayError(.clientClosed, "the client left during the answer") }
        switch error.code {
        case .timedOut: return RelayError(.timedOut, "the upstream was silent for too long")
        case .closed, .connectionReset, .refused, .addressInUse, .resolve, .system:
            return RelayError(.upstreamClosed, "the upstream's connection ended: \(error.message)")
        }
    }

    /// What a failure on the client's side means.
    func clientFailed(_ error: ReactorError) -> RelayError {
        RelayError(.clientClosed, "the client's connection ended: \(error.message)")
    }

    /// Marks a failure after the head. An answer that ends with its connection would look complete if that were closed in
    /// order, so it is set to be reset.
    private func cutShort(_ error: RelayError) -> RelayError {
        guard let body else { return error }
        if body.endsWithConnection, client.descriptor >= 0 {
            var abort = linger(l_onoff: 1, l_linger: 0)
            setsockopt(client.descriptor, SOL_SOCKET, SO_LINGER, &abort, socklen_t(MemoryLayout<linger>.size))
        }
        return error.afterHead()
    }
}
