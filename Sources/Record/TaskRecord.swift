public import Model
internal import SQL

/// One task as the record holds it, with its current attempt.
public struct TaskRecord: Sendable, Equatable {
    /// The public identity, in the client's spelling.
    public var id: TaskID
    /// The token's name; nil for a task that was sent without one.
    public var owner: String?
    /// As the client named it.
    public var name: String
    /// The options as sent: JSON text.
    public var options: String
    /// Whether the client wanted no post-processing.
    public var skipPostProcessing: Bool
    /// Whom to tell of the end.
    public var webhook: String?
    /// The wanted results: JSON text; nil for the default set.
    public var outputs: String?
    /// Where the inputs are fetched from.
    public var zipURL: String?
    /// Where its images are in object storage and what else was said of it: JSON text; nil for tasks with files of their own.
    public var objectStorage: String?
    /// Higher goes first.
    public var priority: Int

    /// Where it is in its life.
    public var state: TaskState
    /// What its owner asked for and is still to be carried out.
    public var intent: TaskIntent
    /// Whether its inputs are (or, once it is over, were still) being fetched from `zipURL`: queued, but not to be placed.
    public var isFetching: Bool
    /// How often the fetch has failed.
    public var fetchFailures: Int
    /// Whether a placement pass found no free slot: the moment from which a queued task shows 10 instead of 20.
    public var isWaiting: Bool

    /// Shown to clients; a restart sets it anew.
    public var dateCreated: Timestamp
    /// When the init was recorded.
    public var createdAt: Timestamp
    /// When data of an upload was last noted to arrive; its files have moments of their own.
    public var lastDataAt: Timestamp
    /// When it was first committed: the order of `/task/list`.
    public var committedAt: Timestamp?
    /// When it was committed or restarted: its age in the queue.
    public var queuedAt: Timestamp?
    /// Not to be placed earlier.
    public var notBefore: Timestamp?
    /// When it reached its final state.
    public var endedAt: Timestamp?
    /// From when retention counts: its end, or a later download.
    public var keptFrom: Timestamp?
    /// When the inputs were given up: from then on they can't be sent again.
    public var inputsExpiredAt: Timestamp?
    /// When the inputs were gone from storage; of a task whose images are a client's own, from its beginning.
    public var inputsRemovedAt: Timestamp?

    /// Images among the inputs.
    public var images: Int
    /// Size of the inputs.
    public var bytes: ByteCount
    /// What the owner says as imagesCount; nil until it was asked.
    public var imagesShown: Int?
    /// What there is among its files beside usual images; from the commit on.
    public var inputKinds: InputKinds
    /// Counted failures since the commit or the last restart.
    public var failures: Int
    /// Backends that refused it, passed over until all others have too.
    public var passedOver: [BackendName]
    /// The only backend that can run it: a restart that needs the project there.
    public var boundTo: BackendName?
    /// 1, and one more with each restart.
    public var run: Int
    /// The highest number of its attempts; 0 before the first.
    public var lastAttempt: Int

    /// What the owner last said while it was placed there: 10 or 20.
    public var ownerCode: StatusCode
    /// 0–100.
    public var progress: Double
    /// Milliseconds; −1 before the start.
    public var processingTime: Int64
    /// Why it failed.
    public var errorMessage: String?
    /// How many console lines there are.
    public var lineCount: Int
    /// Grows with every change of the row.
    public var revision: Int64
    /// The attempt that runs or ran it last: the task's owner.
    public var attempt: AttemptRecord? {
        get { heldAttempt?.attempt }
        set { heldAttempt = newValue.map(HeldAttempt.init) }
    }

    /// Apart: a task that waits has none, and a hundred thousand of them are kept in memory.
    private var heldAttempt: HeldAttempt?

    /// The attempt, if it isn't over.
    public var liveAttempt: AttemptRecord? {
        guard let attempt, attempt.isLive else { return nil }
        return attempt
    }

    /// Whether it was committed: `/task/list` and info know it from then on.
    public var isCommitted: Bool { state != .receiving }

    /// The code that clients see (architecture, One task's life; rules, Cancel).
    public var shownCode: StatusCode {
        switch intent {
        case .cancel: return .canceled
        case .restart: return .queued
        case .none, .remove: break
        }
        switch state {
        case .receiving: return .running
        case .queued: return isWaiting && !isFetching ? .queued : .running
        case .dispatching: return .running
        case .placed: return ownerCode
        case .completed: return .completed
        case .failed: return .failed
        case .canceled: return .canceled
        }
    }
}

extension TaskRecord {
    /// What the reader below reads, in its order.
    static let columns = """
        tasks.spelling, tasks.owner, tasks.name, tasks.options, tasks.skip_post_processing, tasks.webhook, tasks.outputs,
        tasks.zip_url, tasks.object_storage, tasks.priority, tasks.state, tasks.intent, tasks.fetching, tasks.fetch_failures, tasks.waiting,
        tasks.date_created, tasks.created_at, tasks.data_at, tasks.committed_at, tasks.queued_at, tasks.not_before,
        tasks.ended_at, tasks.kept_from, tasks.inputs_expired_at, tasks.inputs_removed_at, tasks.images, tasks.bytes,
        tasks.images_shown, tasks.failures, tasks.passed_over, tasks.bound_to, tasks.run, tasks.last_attempt,
        tasks.owner_code, tasks.progress, tasks.processing_time, tasks.error, tasks.lines, tasks.input_kinds, tasks.revision
        """

    /// SELECT … FROM: a task's row with that of its current attempt, for `init(joined:)`.
    static let joined = """
        SELECT \(columns), \(AttemptRecord.columns) FROM tasks
        LEFT JOIN attempts ON attempts.task = tasks.id AND attempts.number = tasks.attempt
        """

    /// Reads a row of the task's columns alone; the attempt stays nil.
    init(reading reader: inout RowReader) throws {
        id = try reader.task()
        owner = try reader.textIfPresent()
        name = try reader.text()
        options = try reader.text()
        skipPostProcessing = try reader.boolean()
        webhook = try reader.textIfPresent()
        outputs = try reader.textIfPresent()
        zipURL = try reader.textIfPresent()
        objectStorage = try reader.textIfPresent()
        priority = try reader.int()
        state = try reader.word(TaskState.self)
        intent = try reader.word(TaskIntent.self)
        isFetching = try reader.boolean()
        fetchFailures = try reader.int()
        isWaiting = try reader.boolean()
        dateCreated = try reader.time()
        createdAt = try reader.time()
        lastDataAt = try reader.time()
        committedAt = try reader.timeIfPresent()
        queuedAt = try reader.timeIfPresent()
        notBefore = try reader.timeIfPresent()
        endedAt = try reader.timeIfPresent()
        keptFrom = try reader.timeIfPresent()
        inputsExpiredAt = try reader.timeIfPresent()
        inputsRemovedAt = try reader.timeIfPresent()
        images = try reader.int()
        bytes = ByteCount(try reader.integer())
        imagesShown = try reader.intIfPresent()
        failures = try reader.int()
        passedOver = PassedOver.names(in: try reader.text())
        boundTo = try reader.textIfPresent().map(BackendName.init(recorded:))
        run = try reader.int()
        lastAttempt = try reader.int()
        ownerCode = StatusCode(rawValue: try reader.int()) ?? .running
        progress = try reader.real()
        processingTime = try reader.integer()
        errorMessage = try reader.textIfPresent()
        lineCount = try reader.int()
        inputKinds = InputKinds(rawValue: try reader.int())
        revision = try reader.integer()
    }

    /// Reads a row of `joined`.
    init(joined row: Row) throws {
        var reader = RowReader(row)
        try self.init(reading: &reader)
        if !reader.nextIsNull { attempt = try AttemptRecord(reading: &reader, of: id) }
    }
}

/// An attempt beside its task's row.
private final class HeldAttempt: Sendable, Equatable {
    let attempt: AttemptRecord

    init(_ attempt: AttemptRecord) { self.attempt = attempt }

    static func == (left: HeldAttempt, right: HeldAttempt) -> Bool {
        left === right || left.attempt == right.attempt
    }
}

/// The list of backends that refused a task, as one column: names hold no blanks.
enum PassedOver {
    static func names(in column: String) -> [BackendName] {
        column.split(separator: " ").map { BackendName(recorded: String($0)) }
    }

    static func column(of names: [BackendName]) -> String {
        names.map(\.string).joined(separator: " ")
    }
}
