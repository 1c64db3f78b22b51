public import Reactor
import Synchronization

/// The keep-alive connections of one loop to one upstream. Lives on that loop's thread.
/// `@exclusivity(unchecked)`: see docs/decisions/0008-unchecked-on-the-loop.md.
public final class UpstreamPool {
    /// Bounds and deadlines.
    public struct Configuration: Sendable {
        /// Connections at once, idle ones included; more requests wait for one.
        public var maximumConnections = 256
        /// An idle connection older than this isn't used again. Express closes idle connections after 5 s, and a request that
        /// meets the close on its way is lost.
        public var idleLimit: Duration = .seconds(4)
        /// How long a connection may take to come about, the wait for a free one included.
        public var connectDeadline: Duration = .seconds(5)
        /// How long a name's addresses are trusted.
        public var addressLifetime: Duration = .seconds(30)
        /// The default configuration.
        public init() {}
    }

    /// How many connections a pool has, for any thread to read.
    public final class Counts: Sendable {
        private let all = Atomic(0)
        private let waiting = Atomic(0)

        /// Of a pool without connections.
        public init() {}

        /// Those that exist or are coming about, idle ones included.
        public var open: Int { all.load(ordering: .relaxed) }
        /// Those that wait for a request.
        public var idle: Int { waiting.load(ordering: .relaxed) }

        fileprivate func set(open: Int) { all.store(open, ordering: .relaxed) }
        fileprivate func set(idle: Int) { waiting.store(idle, ordering: .relaxed) }
    }

    /// Somebody who waits for a connection, and what came of it.
    private final class Waiter {
        var continuation: UnsafeContinuation<Void, Never>?
        var timer: EventLoop.TimerID?
        var connection: UpstreamConnection?
        var isDenied = false
    }

    /// The loop it lives on.
    public let loop: EventLoop
    /// What goes into the Host field.
    let hostField: [UInt8]
    private let configuration: Configuration
    private let counts: Counts
    private let addresses: UpstreamAddresses
    /// Oldest first; the youngest is used first, so that the others may age and go.
    @exclusivity(unchecked) private var idle: [UpstreamConnection] = [] { didSet { counts.set(idle: idle.count) } }
    @exclusivity(unchecked) private var waiters: [Waiter] = []
    @exclusivity(unchecked) private var isReaperArmed = false

    /// Connections that exist or are coming about, idle ones included.
    public private(set) var connectionCount = 0 { didSet { counts.set(open: connectionCount) } }
    /// Connections that wait for a request.
    public var idleCount: Int { idle.count }

    /// A pool without connections yet.
    /// - Parameters:
    ///   - host: a name or a numeric address, an IPv6 one without brackets.
    ///   - port: of the upstream.
    ///   - loop: whose thread calls this and everything else.
    ///   - blockingPool: where names are looked up.
    ///   - configuration: bounds and deadlines.
    ///   - counts: told how many connections there are.
    public init(
        host: String, port: UInt16, loop: EventLoop, blockingPool: BlockingPool,
        configuration: Configuration = Configuration(), counts: Counts = Counts()
    ) {
        self.loop = loop
        self.counts = counts
        self.configuration = configuration
        let literal = host.utf8.contains(0x3A) ? "[\(host)]" : host
        hostField = Array((port == 80 ? literal : "\(literal):\(port)").utf8)
        addresses = UpstreamAddresses(
            host: host, port: port, lifetime: configuration.addressLifetime, pool: blockingPool)
    }

    deinit {
        for connection in idle { connection.socket.close() }
        counts.set(open: 0)
        counts.set(idle: 0)
    }

    /// Closes the idle connections; those in use close when their exchange ends only if nobody takes them again.
    public func closeIdle() {
        for connection in idle { drop(connection) }
        idle = []
    }

    // MARK: Lending

    /// Lends a connection where no idle one will do: a new one, or, when all are in use, the next that is given back.
    /// - Parameter fresh: true never takes one that was used: after one has turned out to be dead.
    /// - Returns: a connection to be given back.
    /// - Throws: `.connect`, `.saturated`.
    func connection(fresh: Bool) async throws(RelayError) -> UpstreamConnection {
        let deadline = loop.now + configuration.connectDeadline
        if connectionCount >= configuration.maximumConnections, let oldest = idle.first {
            idle.removeFirst()
            drop(oldest)
        }
        if connectionCount >= configuration.maximumConnections {
            if let connection = try await waitForTurn() {
                if !fresh, connection.isQuiet { return connection }
                connection.socket.close()
            }
            // The turn came without a usable connection; its place in the count is ours now.
        } else {
            connectionCount += 1
        }
        do throws(RelayError) { return try await connect(until: deadline) } catch {
            leavePlace()
            throw error
        }
    }

    /// Takes a connection back; `reusable` tells whether its last answer was complete and left it open.
    func giveBack(_ connection: UpstreamConnection, reusable: Bool) {
        guard reusable, connection.socket.descriptor >= 0, !connection.socket.peerHasClosed else {
            connection.socket.close()
            return leavePlace()
        }
        connection.isReused = true
        connection.idleSince = loop.now
        if !waiters.isEmpty { return wakeFirst(with: connection) }
        idle.append(connection)
        if connection.whenIdleEnds == nil {
            connection.whenIdleEnds = { [unowned self, unowned connection] in forget(connection) }
        }
        connection.socket.onPeerClose = connection.whenIdleEnds
        armReaper()
    }

    /// Lends an idle connection, if there is one that may be used.
    func takeIdle() -> UpstreamConnection? {
        let oldest = loop.now + (.zero - configuration.idleLimit)
        while let connection = idle.popLast() {
            connection.socket.onPeerClose = nil
            if connection.idleSince >= oldest, connection.isQuiet { return connection }
            drop(connection)
        }
        return nil
    }

    private func connect(until deadline: MonotonicTime) async throws(RelayError) -> UpstreamConnection {
        var last: ReactorError?
        for address in try await addresses.current(now: loop.now) {
            do throws(ReactorError) {
                return UpstreamConnection(try await StreamSocket.connect(to: address, on: loop, deadline: deadline))
            } catch {
                last = error
                if error.code == .timedOut { break }
            }
        }
        addresses.doubt()
        throw RelayError(.connect, "the upstream can't be reached: \(last.map(\.message) ?? "it has no address")")
    }

    // MARK: Waiting for a turn

    /// - Returns: a connection, or nil when only the right to open one was passed on.
    private func waitForTurn() async throws(RelayError) -> UpstreamConnection? {
        let waiter = Waiter()
        waiter.timer = loop.schedule(after: configuration.connectDeadline) { [self] in deny(waiter) }
        waiters.append(waiter)
        await withUnsafeContinuation { waiter.continuation = $0 }
        guard !waiter.isDenied else {
            let limit = configuration.maximumConnections
            throw RelayError(.saturated, "all \(limit) connections to the upstream are in use")
        }
        return waiter.connection
    }

    private func deny(_ waiter: Waiter) {
        guard let index = waiters.firstIndex(where: { $0 === waiter }) else { return }
        waiters.remove(at: index)
        waiter.isDenied = true
        waiter.continuation?.resume()
    }

    private func wakeFirst(with connection: UpstreamConnection?) {
        let waiter = waiters.removeFirst()
        if let timer = waiter.timer { loop.cancel(timer) }
        waiter.connection = connection
        waiter.continuation?.resume()
    }

    /// A connection is gone: its place goes to who waits, or is free.
    private func leavePlace() {
        if waiters.isEmpty { connectionCount -= 1 } else { wakeFirst(with: nil) }
    }

    // MARK: Idle connections

    private func drop(_ connection: UpstreamConnection) {
        connection.socket.close()
        leavePlace()
    }

    private func forget(_ connection: UpstreamConnection) {
        guard let index = idle.firstIndex(where: { $0 === connection }) else { return }
        idle.remove(at: index)
        drop(connection)
    }

    /// Closes what has been idle too long; wakes only while there is something to close.
    private func armReaper() {
        guard !isReaperArmed else { return }
        isReaperArmed = true
        loop.schedule(after: configuration.idleLimit) { [weak self] in self?.reap() }
    }

    private func reap() {
        isReaperArmed = false
        let oldest = loop.now + (.zero - configuration.idleLimit)
        while let connection = idle.first, connection.idleSince <= oldest {
            idle.removeFirst()
            drop(connection)
        }
        if !idle.isEmpty { armReaper() }
    }
}
