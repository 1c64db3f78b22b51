public import Model
internal import SQL

/// What scheduling needs to know of a task that waits for a backend.
public struct QueuedTask: Sendable, Equatable {
    /// Which task.
    public var id: TaskID
    /// The token's name; nil without one.
    public var owner: String?
    /// The options as sent: JSON text.
    public var options: String
    /// Higher goes first.
    public var priority: Int
    /// Images among its inputs.
    public var images: Int
    /// Size of its inputs.
    public var bytes: ByteCount
    /// Its age counts from here.
    public var queuedAt: Timestamp
    /// Not to be placed earlier.
    public var notBefore: Timestamp?
    /// Backends that refused it.
    public var passedOver: [BackendName]
    /// Counted failures so far.
    public var failures: Int
    /// The only backend that can run it, if there is but one.
    public var boundTo: BackendName?
    /// Whether it already shows 10.
    public var isWaiting: Bool
    /// 1, and one more with each restart.
    public var run: Int
    /// What it says of object storage: JSON text; nil for tasks with files of their own.
    public var objectStorage: String?
    /// What there is among its files beside usual images.
    public var inputKinds: InputKinds = []
    /// Whether it asks for certain results.
    public var choosesOutputs = false
    /// Grows with every change of its row.
    public var revision: Int64
    /// The attempt that sends its inputs ahead, if there is one.
    public var prefetch: AttemptRecord?
    /// The attempt whose backend still holds the project of an earlier run: a restart in place is possible there.
    public var project: AttemptRecord?
}

extension QueuedTask {
    /// What the reader below reads, in its order; the attempt's columns follow.
    static let columns = """
        tasks.spelling, tasks.owner, tasks.options, tasks.priority, tasks.images, tasks.bytes, tasks.queued_at,
        tasks.not_before, tasks.passed_over, tasks.failures, tasks.bound_to, tasks.waiting, tasks.run, tasks.object_storage,
        tasks.input_kinds, CASE WHEN tasks.outputs IS NULL THEN 0 ELSE 1 END, tasks.revision
        """

    init(row: Row) throws {
        var reader = RowReader(row)
        id = try reader.task()
        owner = try reader.textIfPresent()
        options = try reader.text()
        priority = try reader.int()
        images = try reader.int()
        bytes = ByteCount(try reader.integer())
        queuedAt = try reader.time()
        notBefore = try reader.timeIfPresent()
        passedOver = PassedOver.names(in: try reader.text())
        failures = try reader.int()
        boundTo = try reader.textIfPresent().map(BackendName.init(recorded:))
        isWaiting = try reader.boolean()
        run = try reader.int()
        objectStorage = try reader.textIfPresent()
        inputKinds = InputKinds(rawValue: try reader.int())
        choosesOutputs = try reader.boolean()
        revision = try reader.integer()
        if !reader.nextIsNull { prefetch = try AttemptRecord(reading: &reader, of: id) }
    }
}
