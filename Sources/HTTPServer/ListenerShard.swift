import Glibc
import HTTPTypes
import Reactor
import Synchronization

/// What a listener has on one loop: its own listening socket, its connections, their spare memory.
///
/// Invariant of `@unchecked Sendable`: everything but `init` happens on the thread of `loop`, and what is set by `init` is
/// never changed.
/// `@exclusivity(unchecked)`: see docs/decisions/0008-unchecked-on-the-loop.md.
final class ListenerShard: @unchecked Sendable {
    let loop: EventLoop
    /// Its place among the listener's shards.
    let index: Int
    let limits: ServerLimits
    let headLimits: HeadLimits
    let react: RequestReaction
    let errorAnswer: ErrorAnswer
    let accessLog: AccessLog?
    let buffers = BufferPool()

    @exclusivity(unchecked) private(set) var isDraining = false
    private let inFlight = Atomic(0)
    private var listener: Listener?
    private var connections: [ObjectIdentifier: Connection] = [:]
    private var whenEmpty: UnsafeContinuation<Void, Never>?
    @exclusivity(unchecked) private var spareOutputs: [[UInt8]] = []
    @exclusivity(unchecked) private var pendingFlushes: [Connection] = []
    @exclusivity(unchecked) private var date: [UInt8] = []
    @exclusivity(unchecked) private var dateSecond = -1
    /// The head that was last made ready, with its date: most answers of a second have the same.
    @exclusivity(unchecked) private var dated: [UInt8] = []
    @exclusivity(unchecked) private var datedHead: ReadyAnswer.Head?

    private static let sparesKept = 64
    private static let spareSize = 4 * 1024

    init(
        loop: EventLoop, index: Int, limits: ServerLimits, react: @escaping RequestReaction,
        errorAnswer: @escaping ErrorAnswer,
        accessLog: AccessLog?
    ) {
        self.loop = loop
        self.index = index
        self.limits = limits
        headLimits = HeadLimits(bytes: limits.headBytes, fields: limits.headFields)
        self.react = react
        self.errorAnswer = errorAnswer
        self.accessLog = accessLog
    }

    /// Opens the listening socket.
    /// - Returns: where it listens.
    func bind(_ address: SocketAddress) throws(ReactorError) -> SocketAddress {
        let listener = try Listener.bind(address, on: loop, reusePort: true)
        self.listener = listener
        return listener.localAddress
    }

    /// Serves until the task is cancelled and all connections have ended.
    func run() async {
        await withTaskCancellationHandler {
            await acceptAll()
        } onCancel: {
            loop.execute { self.drain() }
        }
        drain()
        await untilEmpty()
    }

    private func acceptAll() async {
        while let listener, !isDraining {
            do throws(ReactorError) {
                serve(try await listener.accept())
            } catch {
                if error.code == .closed { return }
                // Out of descriptors or memory: connections that end make room again.
                try? await loop.sleep(for: .milliseconds(100))
            }
        }
    }

    private func serve(_ socket: StreamSocket) {
        let connection = Connection(socket: socket, shard: self)
        connections[ObjectIdentifier(connection)] = connection
        // Not a child of this task: draining cancels this one, but lets running requests finish. Owned by `connections`,
        // which `run` sees empty before it returns.
        Task.immediate(executorPreference: loop) { [self] in
            await connection.serve()
            remove(connection)
        }
    }

    private func remove(_ connection: Connection) {
        connections[ObjectIdentifier(connection)] = nil
        guard connections.isEmpty, let waiter = whenEmpty else { return }
        whenEmpty = nil
        waiter.resume()
    }

    // MARK: Draining

    private func drain() {
        guard !isDraining else { return }
        isDraining = true
        listener?.close()
        listener = nil
        for connection in connections.values { connection.closeIfIdle() }
    }

    private func untilEmpty() async {
        guard !connections.isEmpty else { return }
        let timer = loop.schedule(after: limits.drain) { [self] in
            for connection in connections.values { connection.abort() }
        }
        await withUnsafeContinuation { whenEmpty = $0 }
        loop.cancel(timer)
    }

    // MARK: What connections share

    /// Requests whose answer isn't done; for any thread.
    var requestsInFlight: Int { inFlight.load(ordering: .relaxed) }

    // Not atomic steps: this loop's thread alone changes it.
    func requestBegins() { inFlight.store(inFlight.load(ordering: .relaxed) + 1, ordering: .relaxed) }
    func requestEnds() { inFlight.store(inFlight.load(ordering: .relaxed) - 1, ordering: .relaxed) }

    /// Has the output sent at the end of this turn of the loop.
    func flushLater(_ connection: Connection) {
        guard !connection.isFlushPending else { return }
        connection.isFlushPending = true
        pendingFlushes.append(connection)
        guard pendingFlushes.count == 1 else { return }
        loop.beforeSleeping { [self] in
            let connections = pendingFlushes
            pendingFlushes.removeAll(keepingCapacity: true)
            for connection in connections { connection.flushNow() }
        }
    }

    /// Gives an empty output spare memory.
    func lendMemory(_ output: inout [UInt8]) {
        guard output.capacity == 0 else { return }
        if let spare = spareOutputs.popLast() { output = spare } else { output.reserveCapacity(Self.spareSize) }
    }

    /// Takes the memory of an empty output; large ones are freed.
    func giveBack(_ output: inout [UInt8]) {
        guard output.capacity > 0, output.isEmpty else { return }
        if output.capacity <= 8 * Self.spareSize, spareOutputs.count < Self.sparesKept {
            spareOutputs.append([])
            swap(&spareOutputs[spareOutputs.count - 1], &output)
        } else {
            output = []
        }
    }

    /// The Date line of this second, made once.
    func dateLine() -> [UInt8] {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME_COARSE, &time)
        if time.tv_sec != dateSecond {
            dateSecond = time.tv_sec
            date.removeAll(keepingCapacity: true)
            date.appendText("Date: ")
            HTTPDate.append(unixSeconds: Int64(time.tv_sec), to: &date)
            date.appendText("\r\n")
            datedHead = nil
        }
        return date
    }

    /// The lines of a head with the Date of this second, up to the value of Content-Length.
    func lines(of head: ReadyAnswer.Head) -> [UInt8] {
        let date = dateLine()
        if datedHead !== head {
            datedHead = head
            dated = head.statusLine + date + head.fieldLines
            dated.appendText("Content-Length: ")
        }
        return dated
    }
}
