import Glibc
import HTTPTypes
import Reactor

/// One client's connection: reads a head, has it handled, sees to the rest of the body, and again.
///
/// Invariant of `@unchecked Sendable`: made, used and released on the thread of `socket.loop` only; the loop's executor runs
/// the connection's task.
/// `@exclusivity(unchecked)`: see docs/decisions/0008-unchecked-on-the-loop.md.
final class Connection: @unchecked Sendable {
    /// How far the answer to the current request is.
    enum Answer {
        case none
        /// Head written, body under way.
        case started(BodyFraming)
        /// The body goes on until the connection ends: HTTP/1.0 without a length.
        case untilClose
        /// HEAD, 204, 304: there is a body writer, but nothing may come out of it.
        case bodyless
        case complete
        /// Cut short, or closed without an answer.
        case aborted
    }

    /// What comes next, and whether it has to be waited for.
    private enum Next {
        /// A request whose handler may wait.
        case handle(Waiting)
        /// The end of an answer that comes from elsewhere.
        case relayed
        /// Bytes of a head.
        case receive
        /// Room for what is written.
        case flush
        /// The other connections, who shall have their turn.
        case turn
        /// The connection is over, in order.
        case end
        case failure(HTTPServerError)
    }

    /// A request on its way to its handler.
    private struct Waiting {
        let head: RequestHead
        /// When the head was complete.
        let begin: MonotonicTime
        let work: Work
    }

    private enum Work {
        case handler(RouteHandler, RouteCaptures)
        /// What began without the task, and isn't at its end.
        case relay(any RelayedAnswer)
    }

    let socket: StreamSocket
    let shard: ListenerShard
    let peer: SocketAddress?
    let notes = ExchangeNotes()
    @exclusivity(unchecked) var input = ReceiveBuffer()
    @exclusivity(unchecked) var answer = Answer.none
    @exclusivity(unchecked) var isHead = false
    @exclusivity(unchecked) var minorVersion = 1
    @exclusivity(unchecked) var keepsAlive = true
    @exclusivity(unchecked) var body: RequestBody
    /// Bytes made and not yet taken by the socket start at `sent`.
    @exclusivity(unchecked) var output: [UInt8] = []
    @exclusivity(unchecked) var sent = 0
    @exclusivity(unchecked) var isFlushPending = false
    /// How long this answer may wait for its reader, where that isn't the listener's limit.
    @exclusivity(unchecked) var unread: Duration?
    /// True while it waits for a request of which not a byte has come: then it may be closed without harm.
    @exclusivity(unchecked) private(set) var isIdle = false

    @exclusivity(unchecked) private var parser: RequestParser
    private let noBody = RequestBody()
    @exclusivity(unchecked) private var isFirst = true
    /// What was found next while no task ran.
    @exclusivity(unchecked) private var next: Next?
    /// The request that is answered from elsewhere while this connection's task sleeps.
    @exclusivity(unchecked) private var relayed: Waiting?
    /// When a head that has begun must be complete.
    @exclusivity(unchecked) private var headDeadline: MonotonicTime?
    /// Bytes and requests since the loop last got to look at other sockets.
    @exclusivity(unchecked) private var bytesInTurn = 0
    @exclusivity(unchecked) private var requestsInTurn = 0
    /// The watch on slow bodies: time spent waiting for `bodyBytes` bytes.
    @exclusivity(unchecked) private var bodyWait = Duration.zero
    @exclusivity(unchecked) private var bodyBytes = 0

    private static let bytesPerTurn = 1 << 20
    private static let requestsPerTurn = 64

    init(socket: StreamSocket, shard: ListenerShard) {
        self.socket = socket
        self.shard = shard
        peer = PeerAddress.of(socket.descriptor)
        parser = RequestParser(limits: shard.headLimits)
        body = noBody
    }

    var limits: ServerLimits { shard.limits }

    // MARK: The life of a connection

    /// Serves requests until one side ends; closes the socket.
    func serve() async {
        // Released by `close()`, which comes before the connection ends.
        socket.onReadable = { [unowned self] in continueAtOnce() }
        do throws(HTTPServerError) {
            while let next = try await nextRequest() {
                guard await exchange(next) else { break }
            }
            try await flush()
        } catch {
            await refuse(error)
        }
        socket.close()
        input.release(pool: shard.buffers)
    }

    /// Has one request handled by what may wait.
    /// - Returns: true when another may follow.
    private func exchange(_ request: Waiting) async -> Bool {
        defer { shard.requestEnds() }
        do {
            switch request.work {
            case .handler(let handler, let captures):
                shard.requestBegins()
                try await handler(request.head.request, captures, body, ResponseWriter(connection: self))
            case .relay(let relay):
                beginRelay()
                endRelay(try await relay.finish())
            }
            try settle()
        } catch {
            await answerError(error, to: request.head.request)
        }
        if socket.onPeerClose != nil { socket.onPeerClose = nil }
        socket.readDeadline = nil
        let mayFollow = await finishRequest()
        log(request.head.request, request.begin)
        body.detach()
        body = noBody
        return mayFollow
    }

    private func prepare(for head: RequestHead) {
        answer = .none
        isHead = head.request.method == .head
        minorVersion = head.request.minorVersion
        keepsAlive = head.keepsAlive
        unread = nil
        notes.reset()
        guard head.framing != .none else { return }
        body = RequestBody(connection: self, framing: head.framing, expectsContinue: head.expectsContinue)
        bodyWait = .zero
        bodyBytes = 0
    }

    /// After the handler returned: a body without its end is cut, no answer at all is the handler's fault.
    private func settle() throws(HTTPServerError) {
        switch answer {
        case .none: throw HTTPServerError(.unanswered, "the handler of \(notes.route) returned without an answer")
        case .started, .untilClose: cut()
        case .bodyless: answer = .complete
        case .complete, .aborted: break
        }
    }

    /// After the answer: drops what little is left of the body, or lingers so that the client sees the answer.
    private func finishRequest() async -> Bool {
        guard case .complete = answer else { return false }
        if keepsAlive {
            guard !body.isFinished else { return true }
            if await body.discard(upTo: limits.skippedBody) { return true }
        }
        do { try await flush() } catch { return false }
        if !body.isFinished || !input.isEmpty { await linger() }
        return false
    }

    func log(_ request: HTTPRequest?, _ begin: MonotonicTime) {
        guard let accessLog = shard.accessLog else { return }
        var isComplete = false
        if case .complete = answer { isComplete = true }
        accessLog(
            AccessLogEntry(
                request: request, route: notes.route, routeIndex: notes.routeIndex, trace: notes.trace,
                loopIndex: shard.index, status: notes.status, bytesIn: body.bytesRead, bytesOut: notes.bytesOut,
                nanoseconds: MonotonicTime.now().nanoseconds - begin.nanoseconds, peer: peer, isComplete: isComplete))
    }

    // MARK: Receiving

    /// Closes the connection if that loses nothing: on drain.
    func closeIfIdle() { if isIdle { socket.close() } }

    /// The next request that isn't answered at once; nil at the connection's orderly end.
    private func nextRequest() async throws(HTTPServerError) -> Waiting? {
        input.shrink(pool: shard.buffers)
        while true {
            switch next.take() ?? advance(withTask: true) {
            case .handle(let request):
                if requestsInTurn >= Self.requestsPerTurn { try await giveTurn() }
                return request
            case .receive, .relayed: try await waitForHead()
            case .flush: try await flush()
            case .turn: try await giveTurn()
            case .end: return nil
            case .failure(let error): throw error
            }
        }
    }

    /// Goes on as far as that goes without a wait: takes in requests, and answers those that memory has an answer for.
    /// - Parameter withTask: whether the connection's task asks, which then has no answer relayed behind its back.
    /// - Returns: what has to be seen to next.
    private func advance(withTask: Bool) -> Next {
        do throws(HTTPServerError) {
            while true {
                if !input.isEmpty, let head = try nextHead() {
                    headDeadline = nil
                    if let next = try take(head, withTask) { return next }
                    continue
                }
                guard try flushWhatFits() else { return .flush }
                let isBetween = parser.isAtStart
                if isBetween, shard.isDraining, !isFirst { return .end }
                guard let count = try receiveHead(isBetween: isBetween) else { return .receive }
                if count == 0 { return .end }
            }
        } catch {
            return .failure(error)
        }
    }

    private func nextHead() throws(HTTPServerError) -> RequestHead? {
        var consumed = 0
        let head = try parser.feed(input.bytes, consumed: &consumed)
        input.consume(consumed)
        return head
    }

    /// - Returns: nil when the request is answered, and the next one may be read.
    private func take(_ head: RequestHead, _ withTask: Bool) throws(HTTPServerError) -> Next? {
        isFirst = false
        requestsInTurn += 1
        let begin = MonotonicTime.now()
        prepare(for: head)
        switch shard.react(head.request, notes) {
        case .handler(let handler, let captures):
            return .handle(Waiting(head: head, begin: begin, work: .handler(handler, captures)))
        case .relay(let relay, let handler, let captures):
            guard !withTask, keepsAlive, body.isFinished, sent == output.count, !shard.isDraining,
                relay.begin(for: socket, notes, whenStopped: { [self] end in relayStopped(end) })
            else { return .handle(Waiting(head: head, begin: begin, work: .handler(handler, captures))) }
            shard.requestBegins()
            relayed = Waiting(head: head, begin: begin, work: .relay(relay))
            return .relayed
        case .answer(let ready):
            // What ends the connection, or is too large to be copied, has waits in it.
            guard keepsAlive, body.isFinished, ready.body.count <= Self.copiedBody, !shard.isDraining else {
                return .handle(Waiting(head: head, begin: begin, work: .handler(ready.handler, RouteCaptures())))
            }
            defer { log(head.request, begin) }
            compose(ready)
            // Answers to pipelined requests are gathered; a request behind them that takes its time must not hold them back.
            if input.isEmpty || output.count - sent >= Self.gathered {
                guard try flushWhatFits() else { return .flush }
            } else {
                shard.flushLater(self)
            }
        }
        return requestsInTurn < Self.requestsPerTurn ? nil : .turn
    }

    /// Called by the socket when something has come while the task waits.
    /// - Returns: true when it waits on; else the task goes on, with what is next.
    private func continueAtOnce() -> Bool {
        // What comes during an answer is looked at behind it.
        if relayed != nil { return true }
        guard isIdle else { return false }
        isIdle = false
        (requestsInTurn, bytesInTurn) = (0, 0)
        return goOnWithoutTask()
    }

    /// - Returns: false where the task has to see to what is next.
    private func goOnWithoutTask() -> Bool {
        switch advance(withTask: false) {
        case .receive where parser.isAtStart: prepareForIdling()
        case .relayed: socket.readDeadline = nil
        case let other:
            next = other
            return false
        }
        return true
    }

    /// Called on the loop when an answer from elsewhere is at its end, or needs the task.
    private func relayStopped(_ end: RelayEnd?) {
        guard let request = relayed else { return }
        guard end == .keepAlive, !shard.isDraining else { return socket.endReadWait() }
        relayed = nil
        answer = .complete
        shard.requestEnds()
        log(request.head.request, request.begin)
        (requestsInTurn, bytesInTurn) = (0, 0)
        if goOnWithoutTask() { socket.armReadDeadline() } else { socket.endReadWait() }
    }

    private func waitForHead() async throws(HTTPServerError) {
        let isBetween = parser.isAtStart
        if isBetween {
            prepareForIdling()
        } else {
            let deadline = headDeadline ?? socket.loop.now + limits.headTime
            headDeadline = deadline
            socket.readDeadline = deadline
        }
        defer { isIdle = false }
        do throws(ReactorError) { try await socket.readable() } catch {
            guard isBetween else {
                throw HTTPServerError(error, .headTimeout, "the request's head didn't come in time")
            }
            next = .end
        }
        // Whatever woke the task, it sees to the rest of the answer first.
        if let request = relayed.take() { next = .handle(request) }
    }

    private func prepareForIdling() {
        giveBackMemory()
        socket.readDeadline = socket.loop.now + (isFirst ? limits.headTime : limits.idle)
        isIdle = true
    }

    /// - Returns: bytes received, 0 when the connection has ended between two requests, nil when there are none yet.
    private func receiveHead(isBetween: Bool) throws(HTTPServerError) -> Int? {
        do throws(ReactorError) {
            let count = try receiveNow(atMost: .max, large: false)
            if count == 0, !isBetween { throw ReactorError(.connectionReset, "the client ended within a head") }
            return count
        } catch {
            if isBetween { return 0 }
            throw HTTPServerError(.connectionLost, error.message)
        }
    }

    /// - Returns: bytes received, 0 at the peer's end, nil when there are none yet.
    private func receiveNow(atMost limit: Int, large: Bool) throws(ReactorError) -> Int? {
        let room = input.prepare(large: large, limit: limit, pool: shard.buffers)
        guard let count = try socket.receiveNow(into: room) else { return nil }
        input.received(count)
        bytesInTurn += count
        return count
    }

    /// An idle connection holds no buffers.
    private func giveBackMemory() {
        input.release(pool: shard.buffers)
        shard.giveBack(&output)
    }

    /// Brings more of the body into `input`. Called by the body when `input` is empty or holds part of a chunk's size.
    func receiveBody(atMost limit: Int64) async throws(HTTPServerError) {
        let large = limit > Int64(BufferPool.smallSize)
        while true {
            if bytesInTurn > Self.bytesPerTurn { await noteTurn(bytes: 0) }
            do throws(ReactorError) {
                if let count = try receiveNow(atMost: Int(clamping: limit), large: large) {
                    guard count > 0 else {
                        throw ReactorError(.connectionReset, "end")
                    }
                    noteBody(count)
                    return
                }
                let begin = socket.loop.now
                socket.readDeadline = begin + (limits.idle - bodyWait)
                try await socket.readable()
                bytesInTurn = 0
                bodyWait += socket.loop.now - begin
            } catch {
                throw bodyError(error)
            }
        }
    }

    private func noteBody(_ count: Int) {
        bodyBytes += count
        guard bodyBytes >= limits.bodyFloor else { return }
        bodyBytes = 0
        bodyWait = .zero
    }

    private func bodyError(_ error: ReactorError) -> HTTPServerError {
        keepsAlive = false
        return switch error.code {
        case .timedOut: HTTPServerError(.bodyTooSlow, "the body came too slowly")
        case .closed: HTTPServerError(.connectionLost, error.message)
        default: HTTPServerError(.bodyTruncated, "the connection ended within the body")
        }
    }

    // MARK: Fairness

    /// Lets other connections have their turn when this one always finds its next request ready.
    private func giveTurn() async throws(HTTPServerError) {
        requestsInTurn = 0
        try await flush()
        await socket.loop.yieldToPoll()
    }

    /// Lets other connections have their turn when bytes flow without a wait.
    func noteTurn(bytes: Int) async {
        bytesInTurn += bytes
        guard bytesInTurn > Self.bytesPerTurn else { return }
        bytesInTurn = 0
        await socket.loop.yieldToPoll()
    }
}

extension HTTPServerError {
    /// What an error of the socket means here: `timeout` where it is one, else a lost client.
    init(_ error: ReactorError, _ timeout: Code, _ message: String) {
        if error.code == .timedOut { self.init(timeout, message) } else { self.init(.connectionLost, error.message) }
    }
}
