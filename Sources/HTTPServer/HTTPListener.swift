public import HTTPTypes
public import Reactor
import Synchronization

/// Answers a request. Runs on the loop that accepted the connection, and stays there.
///
/// What it throws before it has answered is answered by the listener's `ErrorAnswer`; afterwards the connection is cut.
public typealias RequestHandler =
    @Sendable (
        _ request: HTTPRequest, _ body: RequestBody, _ response: consuming ResponseWriter
    ) async throws -> Void

/// Makes the answer to an error: of a handler, or, without a request, of a head that couldn't be read.
public typealias ErrorAnswer = @Sendable (_ error: any Error, _ request: HTTPRequest?) -> (HTTPResponse, [UInt8])

/// Is told of every exchange at its end, on the connection's loop: must be quick.
public typealias AccessLog = @Sendable (_ entry: borrowing AccessLogEntry) -> Void

/// An HTTP/1.1 server on one address, with a listening socket on each of its loops.
public final class HTTPListener: Service {
    /// For logs.
    public let name: String
    private let address: SocketAddress
    private let shards: [ListenerShard]
    private let bound = Mutex<SocketAddress?>(nil)

    /// A listener that isn't open yet.
    /// - Parameters:
    ///   - name: for logs.
    ///   - address: where to listen; port 0 lets the system choose.
    ///   - loops: the kernel spreads the connections over them.
    ///   - limits: bounds on what clients may do.
    ///   - errorAnswer: nil answers with the error's status and sentence as text.
    ///   - accessLog: told of every exchange.
    ///   - handler: answers the requests.
    public convenience init(
        name: String = "http", address: SocketAddress, loops: [EventLoop], limits: ServerLimits = ServerLimits(),
        errorAnswer: ErrorAnswer? = nil, accessLog: AccessLog? = nil, handler: @escaping RequestHandler
    ) {
        let route: RouteHandler = { request, _, body, response in try await handler(request, body, response) }
        self.init(
            name: name, address: address, loops: loops, limits: limits, errorAnswer: errorAnswer, accessLog: accessLog,
            react: { _, _ in .handler(route, RouteCaptures()) })
    }

    /// A listener that isn't open yet, whose requests may be answered without a wait.
    /// - Parameters:
    ///   - name: for logs.
    ///   - address: where to listen; port 0 lets the system choose.
    ///   - loops: the kernel spreads the connections over them.
    ///   - limits: bounds on what clients may do.
    ///   - errorAnswer: nil answers with the error's status and sentence as text.
    ///   - accessLog: told of every exchange.
    ///   - react: answers a request, or says who does.
    public init(
        name: String = "http", address: SocketAddress, loops: [EventLoop], limits: ServerLimits = ServerLimits(),
        errorAnswer: ErrorAnswer? = nil, accessLog: AccessLog? = nil, react: @escaping RequestReaction
    ) {
        self.name = name
        self.address = address
        shards = loops.enumerated().map { index, loop in
            ListenerShard(
                loop: loop, index: index, limits: limits, react: react,
                errorAnswer: errorAnswer ?? Self.plainAnswer,
                accessLog: accessLog)
        }
    }

    /// Opens the listening sockets, so that a taken port is known before anything else starts. `run()` does it otherwise.
    /// - Returns: where it listens: with the port that the system chose, where 0 was asked.
    /// - Throws: `ReactorError`.
    @discardableResult
    public func bind() async throws -> SocketAddress {
        if let address = localAddress { return address }
        var address = try Listener.free(address)
        for shard in shards {
            let wanted = address
            address = try await Task(executorPreference: shard.loop) { try shard.bind(wanted) }.value
        }
        bound.withLock { $0 = address }
        return address
    }

    /// Where it listens; nil before `bind()`.
    public var localAddress: SocketAddress? { bound.withLock { $0 } }

    /// Requests whose answer isn't done.
    public var requestsInFlight: Int { shards.reduce(0) { $0 + $1.requestsInFlight } }

    /// Serves until cancelled; then stops accepting, closes idle connections, and returns when the running requests have
    /// ended, or `ServerLimits.drain` has passed.
    /// - Throws: `ReactorError` when it can't listen.
    public func run() async throws {
        try await bind()
        await withTaskGroup { group in
            for shard in shards { group.addTask(executorPreference: shard.loop) { await shard.run() } }
        }
    }

    private static let plainAnswer: ErrorAnswer = { error, _ in
        let known = error as? HTTPServerError
        let text = known?.message ?? "the server failed"
        return (
            HTTPResponse(known?.status ?? .internalServerError, fields: [.contentType: "text/plain; charset=utf-8"]),
            Array("\(text)\n".utf8)
        )
    }
}
