internal import Model
internal import NodeODM
internal import Reactor
internal import Record
import Synchronization

/// GET /api/events: tells whoever looks on of what has changed, as server-sent events (WHATWG HTML, 9.2).
///
/// Each change is looked up and written once, whatever the number of clients, and an item at most once a second. What
/// changes is heard of (`LiveChanges`), never asked for.
final class EventStream: Service {
    /// Where the events' JSON comes from.
    struct Sources: Sendable {
        let tasks: TasksResource
        let fleet: Fleet
        let mirror: StatusMirror
        let clock: any WorldClock
        /// The gateway, as /api/gateway shows it.
        let gateway: @Sendable () -> [UInt8]
        /// A new minute of the history, each time.
        let samples: AsyncStream<History.Sample>
        /// Has the record count its tasks anew, where that is due.
        var recount: @Sendable () async -> Void = {}
    }

    /// What became of a client's wish to look on.
    enum Joining: Sendable {
        /// It does: its queue begins with a `hello`.
        case joined(EventQueue)
        /// There are as many as there may be.
        case full
        /// The gateway is about to end.
        case ended
    }

    private struct State {
        var clients: [ObjectIdentifier: EventQueue] = [:]
        var lastID: UInt64 = 0
        var lastStanding: StatusMirror.Standing?
        var isCountOld = true
        var isEnded = false
    }

    let name = "events"
    private let changes: LiveChanges
    private let sources: Sources
    private let state = Mutex(State())

    /// Clients at the same time.
    static let clientLimit = 64
    /// What may wait for one client: enough for every one of a thousand backends, twice.
    static let queueLimit = 2 << 20
    /// A client that takes nothing for so long is cut.
    static let unread = Duration.seconds(15)
    /// From one telling to the next.
    private static let interval = Duration.seconds(1)
    /// Time for whoever changes something to show it, and for what changes together.
    private static let patience = Duration.milliseconds(100)
    private static let commentInterval = Duration.seconds(15)
    private static let gatewayInterval = Duration.seconds(5)
    /// Tasks in one telling; the others come in the next.
    private static let tasksAtOnce = 200
    /// The reason why a task waits is a read of the record.
    private static let reasonsAtOnce = 50

    init(_ sources: Sources, changes: LiveChanges) {
        self.sources = sources
        self.changes = changes
    }

    // MARK: Clients

    /// Adds a client.
    /// - Returns: its queue, to be given back with ``leave(_:)``; or why it can't be added.
    func join() -> Joining {
        let hello = Hello(sources)
        return state.withLock { state in
            if state.isEnded { return .ended }
            guard state.clients.count < Self.clientLimit else { return .full }
            if state.clients.isEmpty {
                changes.follow(true)
                (state.lastStanding, state.isCountOld) = (nil, true)
            }
            let queue = EventQueue(byteLimit: Self.queueLimit)
            state.clients[ObjectIdentifier(queue)] = queue
            queue.offer(Self.frame("hello", hello.json, &state))
            return .joined(queue)
        }
    }

    /// Removes a client.
    func leave(_ queue: EventQueue) {
        state.withLock { state in
            state.clients[ObjectIdentifier(queue)] = nil
            if state.clients.isEmpty { changes.follow(false) }
        }
    }

    /// Ends every client's answer, and takes none from now on.
    func end() {
        state.withLock { state in
            state.isEnded = true
            for queue in state.clients.values { queue.finish(.drained) }
        }
    }

    /// Clients now.
    var clientCount: Int { state.withLock { $0.clients.count } }

    // MARK: Telling

    func run() async throws {
        defer { end() }
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { try await self.tellChanges() }
            group.addTask { try await self.tellOfGateway() }
            group.addTask {
                for await sample in self.sources.samples where self.clientCount > 0 {
                    self.send("history", sample.json)
                }
            }
            while true {
                try await sources.clock.sleep(for: Self.commentInterval)
                send(Self.comment)
            }
        }
    }

    private func tellChanges() async throws {
        for await _ in changes.wakeUps() {
            try await sources.clock.sleep(for: Self.patience)
            await tell(changes.take(tasks: Self.tasksAtOnce))
            try await sources.clock.sleep(for: Self.interval - Self.patience)
        }
        try Task.checkCancellation()
    }

    private func tell(_ due: LiveChanges.Due) async {
        if due.isMissed { send("hello", Hello(sources).json) }
        for name in due.backends.sorted(by: { $0.string < $1.string }) { tell(of: name) }
        var reasons = Self.reasonsAtOnce
        for task in due.tasks {
            guard clientCount > 0 else { return }
            await tell(of: task, &reasons)
        }
        tellOfQueue(isNews: !due.tasks.isEmpty)
    }

    private func tell(of name: BackendName) {
        let resource = BackendsResource(fleet: sources.fleet, mirror: sources.mirror, clock: sources.clock)
        if let json = resource.json(of: name) { return send("backend", json) }
        var json = JSONWriter()
        json.beginObject()
        json.member("name", name.string)
        json.endObject()
        send("backend-gone", json.bytes)
    }

    /// What memory doesn't show yet is read from the record; where that can't be asked, clients are told to read all anew.
    private func tell(of task: LiveChanges.Task, _ reasons: inout Int) async {
        do throws(RecordError) {
            var record = sources.mirror.task(task.id)?.record
            if task.revision > record?.revision ?? -1 { record = try await sources.tasks.store.record(of: task.id) }
            guard let record, record.intent != .remove else {
                return send("task", TasksResource.removed(task.id))
            }
            if record.state == .queued { reasons -= 1 }
            send("task", try await sources.tasks.row(of: record, withReason: reasons >= 0))
        } catch {
            changes.noteMissed()
        }
    }

    /// - Parameter isNews: whether it may have changed and changed back meanwhile.
    private func tellOfQueue(isNews: Bool) {
        let standing = sources.mirror.standing
        let isDue = state.withLock { state in
            defer { state.lastStanding = standing }
            if isNews { state.isCountOld = true }
            return isNews || state.lastStanding != standing
        }
        if isDue { send("queue", standing.json) }
    }

    private func tellOfGateway() async throws {
        while true {
            try await sources.clock.sleep(for: Self.gatewayInterval)
            guard clientCount > 0 else { continue }
            let isCountOld = state.withLock { state in
                defer { state.isCountOld = false }
                return state.isCountOld
            }
            if isCountOld { await sources.recount() }
            send("gateway", sources.gateway())
        }
    }

    // MARK: Frames

    private static let comment = Array(":\n\n".utf8)

    private func send(_ event: StaticString, _ json: [UInt8]) {
        state.withLock { state in Self.offer(Self.frame(event, json, &state), &state) }
    }

    private func send(_ frame: [UInt8]) { state.withLock { Self.offer(frame, &$0) } }

    private static func offer(_ frame: [UInt8], _ state: inout State) {
        for queue in state.clients.values { queue.offer(frame) }
    }

    /// JSON has no line feed that isn't escaped, so its data is one line.
    private static func frame(_ event: StaticString, _ json: [UInt8], _ state: inout State) -> [UInt8] {
        state.lastID += 1
        var frame = Array("id: \(state.lastID)\nevent: \(event)\ndata: ".utf8)
        frame.append(contentsOf: json)
        frame.append(contentsOf: "\n\n".utf8)
        return frame
    }
}

/// The first event of each client, and the sign that all should be read anew: what there is, and where it is read.
private struct Hello {
    let json: [UInt8]

    init(_ sources: EventStream.Sources) {
        var json = JSONWriter(reserving: 2048)
        json.beginObject()
        json.key("gateway")
        json.raw(sources.gateway())
        json.key("queue")
        json.raw(sources.mirror.standing.json)
        json.member("backends", sources.fleet.members.count)
        json.key("read")
        json.beginArray()
        for path in ["/api/gateway", "/api/backends", "/api/tasks", "/api/queue", "/api/history"] { json.string(path) }
        json.endArray()
        json.endObject()
        self.json = json.bytes
    }
}

extension StatusMirror.Standing {
    /// `{"waiting": N, "running": N}`.
    var json: [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.member("waiting", waiting)
        json.member("running", running)
        json.endObject()
        return json.bytes
    }
}
