internal import Model
internal import Reactor
internal import Record
internal import Scheduling

/// What the policy would decide now, without deciding it: for people who ask.
extension Dispatcher {
    /// A task that waits, and why.
    struct WaitingTask: Sendable {
        let id: TaskID
        let owner: String
        let priority: Int
        let images: Int
        let since: Timestamp
        /// The lowest tier with a backend that can take it; nil where none can.
        let tier: Int?
        let reason: String
    }

    /// The tasks that wait.
    struct WaitingLine: Sendable {
        /// All of them.
        let count: Int
        /// The first ones, in the order in which they are offered slots.
        let tasks: [WaitingTask]
    }

    /// How every backend stands with a task.
    struct Ranking: Sendable {
        /// The ones that can take it now in the order of choice, then the others.
        let candidates: [Candidate]
        /// Where it would be placed now; nil where it would wait.
        let placement: Placement?
    }

    /// The waiting tasks in the scheduler's order, with what a pass would say of each now.
    /// - Parameter limit: so many at most.
    /// - Returns: the same on every gateway, but for what the one in charge remembers of earlier passes.
    /// - Throws: `RecordError`.
    func waitingLine(limit: Int) async throws(RecordError) -> WaitingLine {
        if isInCharge { return try await presentLine(limit: limit) }
        // Of a gateway that doesn't decide the whole queue is read for it: once for all who ask at about the same time.
        let now = parts.clock.monotonic()
        let shared: SharedLine
        if let last = sharedLine, now - last.begun < Self.lineAge {
            shared = last
        } else {
            let reading = Task { () async -> Result<WaitingLine, RecordError> in
                do throws(RecordError) { return .success(try await presentLine(limit: Self.longestLine)) } catch {
                    return .failure(error)
                }
            }
            shared = SharedLine(begun: now, reading: reading)
            sharedLine = shared
        }
        let line = try await shared.reading.value.get()
        return WaitingLine(count: line.count, tasks: Array(line.tasks.prefix(limit)))
    }

    /// So many tasks of a line are told of at most.
    static let longestLine = 1000
    /// So old may be what another caller was told.
    private static let lineAge = Duration.seconds(2)

    /// A line that several callers wait for.
    struct SharedLine {
        let begun: MonotonicTime
        let reading: Task<Result<WaitingLine, RecordError>, Never>
    }

    private func presentLine(limit: Int) async throws(RecordError) -> WaitingLine {
        let foreign = try await sentByOthers()
        var tasks = try await waitingTasks()
        let (count, owners) = (tasks.count, shares(foreign: foreign))
        let order = tasks.order(owners: owners, limit: limit)
        var memory = state
        let decision = scheduler.decide(
            queue: &tasks, fleet: snapshots(foreign: foreign), owners: owners, state: &memory, now: now)
        let placements = Dictionary(
            decision.placements.map { ($0.task.id, $0) }, uniquingKeysWith: { first, _ in first })
        let classes = Dictionary(decision.waiting.map { ($0.taskClass, $0) }, uniquingKeysWith: { first, _ in first })
        let line = order.map { task in
            let placement = placements[task.id]
            let waiting = tasks.taskClass(of: task.id).flatMap { classes[$0] }
            return WaitingTask(
                id: task.id, owner: task.owner.string, priority: owners[task.owner]?.priority ?? 0, images: task.images,
                since: task.queuedSince, tier: placement?.tier ?? waiting?.tier,
                reason: reason(task, placement, waiting, isLimited: decision.limitedOwners.contains(task.owner)))
        }
        return WaitingLine(count: count, tasks: line)
    }

    /// Why a task was left waiting by the last pass.
    /// - Parameter id: any task.
    /// - Returns: nil where it doesn't wait for a backend, or another gateway makes the passes.
    func waitingReason(of id: TaskID) -> String? {
        guard isInCharge, let taskClass = queue.tasks.taskClass(of: id) else { return nil }
        return lastWaiting[taskClass].map(text)
    }

    /// How every backend stands with a task that is committed now, were it the next one.
    /// - Parameters:
    ///   - images: how many it has.
    ///   - size: of all its files.
    ///   - options: names of the options that it sets.
    ///   - labels: those of its token.
    /// - Returns: the policy's own word.
    /// - Throws: `RecordError`.
    func rank(
        images: Int, size: ByteCount, options: Set<String>, labels: [String: String]
    ) async throws(RecordError) -> Ranking {
        let task = Scheduling.QueuedTask(
            id: TaskID(randomUUID: parts.random), owner: OwnerID(""), images: images, size: size,
            requirements: Requirements(options: options, labels: labels), queuedSince: now)
        return ranking(of: task, foreign: try await sentByOthers())
    }

    /// How every backend stands with a task of the record, were it to be placed anew.
    /// - Parameters:
    ///   - record: any task.
    ///   - passingOver: backends that are passed over for it.
    /// - Returns: the policy's own word.
    /// - Throws: `RecordError`.
    func rank(_ record: TaskRecord, passingOver: Set<BackendName>) async throws(RecordError) -> Ranking {
        var task = scheduled(record)
        task.passedOver = passingOver
        return ranking(of: task, foreign: try await sentByOthers())
    }

    private func ranking(of task: Scheduling.QueuedTask, foreign: [TaskID: AttemptRecord]) -> Ranking {
        let fleet = snapshots(foreign: foreign)
        var (alone, memory) = (TaskQueue(), state)
        alone.insert(task)
        let decision = scheduler.decide(queue: &alone, fleet: fleet, owners: [:], state: &memory, now: now)
        return Ranking(
            candidates: scheduler.rank(task, fleet: fleet, state: state, now: now),
            placement: decision.placements.first)
    }

    private func reason(
        _ task: Scheduling.QueuedTask, _ placement: Placement?, _ waiting: Decision.Waiting?, isLimited: Bool
    ) -> String {
        if let pause = task.notBefore, pause > now {
            return "it is tried again at \(pause.iso8601.prefix(19))Z, after a failed try"
        }
        if let placement { return "it is about to be placed on \(placement.text)" }
        if isLimited { return "its owner has as many tasks running as max_concurrent_tasks allows" }
        return waiting.map(text) ?? "a backend is being chosen"
    }

    // MARK: On a gateway that doesn't decide

    /// The waiting tasks: as the last pass left them, or, where another gateway makes the passes, as the record has them.
    private func waitingTasks() async throws(RecordError) -> TaskQueue {
        if isInCharge { return queue.tasks }
        var tasks = TaskQueue()
        try await forEachQueued { row in tasks.insert(scheduled(row)) }
        return tasks
    }

    /// The attempts that other gateways carry out and that hold slots.
    private func sentByOthers() async throws(RecordError) -> [TaskID: AttemptRecord] {
        if isInCharge { return foreign }
        var sent: [TaskID: AttemptRecord] = [:]
        for record in try await parts.store.live() {
            guard let attempt = record.liveAttempt, attempt.state != .accepted, !attempt.isPrefetch,
                transfers[record.id]?.attempt.key != attempt.key
            else { continue }
            sent[record.id] = attempt
        }
        return sent
    }
}
