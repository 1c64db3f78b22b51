public import Model
internal import SQL

/// Single tasks, and what a start and the mirror need.
extension TaskStore {
    /// The task of that identity, in any spelling; nil if there is none that the caller may see.
    public func record(of task: TaskID, for scope: OwnerScope) async throws(RecordError) -> TaskRecord? {
        let found = try await rows(of: SQLText.one(SQLValue(task))) { row in try TaskRecord(joined: row) }.first
        guard let found, found.intent != .remove, scope.includes(found.owner) else { return nil }
        return found
    }

    /// The task as the gateway itself sees it: also one that is being removed.
    public func record(of task: TaskID) async throws(RecordError) -> TaskRecord? {
        try await rows(of: SQLText.one(SQLValue(task))) { row in try TaskRecord(joined: row) }.first
    }

    /// The task that a backend knows by this name, by its current attempt.
    public func record(on backend: BackendName, as name: BackendTaskID) async throws(RecordError) -> TaskRecord? {
        try await rows(of: SQLText.onBackend(SQLValue(backend), SQLValue(name))) { row in
            try TaskRecord(joined: row)
        }.first
    }

    /// A page of all queued tasks, in the order in which they are served: also those that are fetched, cancelled or removed.
    /// - Parameters:
    ///   - place: where the last page ended; nil for the first.
    ///   - limit: rows of a page; fewer are no sign of the end, none is.
    /// - Returns: none at the end.
    /// - Throws: `RecordError`.
    public func waiting(after place: QueuePlace? = nil, limit: Int) async throws(RecordError) -> [TaskRecord] {
        try await page(SQLText.waitingBehind, SQLText.waitingBelow, after: place, limit) { row in
            try TaskRecord(joined: row)
        }
    }

    /// The tasks with a live attempt, with that attempt: what is sent to this backend (nil: to any) or runs there.
    public func live(on backend: BackendName? = nil) async throws(RecordError) -> [TaskRecord] {
        let statement = backend.map { SQLText.liveOnBackend(SQLValue($0)) } ?? SQLText.live()
        return try await rows(of: statement) { row in try TaskRecord(joined: row) }
    }

    /// The attempts of a task, first one first.
    public func attempts(of task: TaskID) async throws(RecordError) -> [AttemptRecord] {
        try await rows(of: SQLText.attempts(SQLValue(task))) { row in
            var reader = RowReader(row)
            return try AttemptRecord(reading: &reader, of: task)
        }
    }

    /// Whether a run on a backend belongs to a task, whichever of its attempts it was, or is still to be cleaned up there.
    /// - Parameters:
    ///   - run: as the backend calls it; attempts on other backends count too, since one cluster may be listed under several names.
    ///   - backend: where it is.
    /// - Returns: false where the record has never heard of it, or forgot it with its task.
    /// - Throws: `RecordError`.
    public func knows(_ run: BackendTaskID, on backend: BackendName) async throws(RecordError) -> Bool {
        try await !rows(of: SQLText.knows(SQLValue(run), SQLValue(backend))) { row in try row.integer(0) }.isEmpty
    }

    /// The queued tasks whose inputs are there, in the order in which they are served: priority, then age.
    ///
    /// Tasks that a cancel, remove or restart concerns aren't among them; those with a prefetch are.
    /// - Parameters:
    ///   - place: where the last page ended; nil for the first.
    ///   - limit: rows of a page; fewer are no sign of the end, none is.
    /// - Returns: none at the end.
    /// - Throws: `RecordError`.
    public func queue(
        after place: QueuePlace? = nil, limit: Int = .max
    ) async throws(RecordError) -> [QueuedTask] {
        var queue = try await page(SQLText.queueBehind, SQLText.queueBelow, after: place, limit) { row in
            try QueuedTask(row: row)
        }
        for index in queue.indices where queue[index].run > 1 {
            queue[index].project = try await project(of: queue[index].id)
        }
        return queue
    }

    // Each of the two statements begins where an index says: those of the place's priority behind it, then lower ones.
    private func page<T>(
        _ behind: Statement, _ below: Statement, after place: QueuePlace?, _ limit: Int, _ read: (Row) throws -> T
    ) async throws(RecordError) -> [T] {
        let limit = SQLValue(limit)
        guard let place else { return try await rows(of: below(SQLValue(Int.max), limit), read) }
        let priority = SQLValue(place.priority)
        let found = try await rows(
            of: behind(priority, SQLValue(place.queuedAt), SQLValue(place.task), limit), read)
        return found.isEmpty ? try await rows(of: below(priority, limit), read) : found
    }

    /// The key and the revision of every task of `queue()`: what a reader compares with what it knows, without reading it all.
    public func queueIndex() async throws(RecordError) -> [(key: String, revision: Int64)] {
        try await rows(of: SQLText.queueIndex()) { row in (try row.text(0), try row.integer(1)) }
    }

    /// One task of `queue()`, by its key; nil where it isn't among them.
    public func queued(_ key: String) async throws(RecordError) -> QueuedTask? {
        var found = try await rows(of: SQLText.queued(.text(key))) { row in try QueuedTask(row: row) }.first
        if let task = found, task.run > 1 {
            found?.project = try await project(of: task.id)
        }
        return found
    }

    private func project(of task: TaskID) async throws(RecordError) -> AttemptRecord? {
        try await attempts(of: task).last { $0.isProject }
    }

    private enum SQLText {
        static let one = Statement("task.one", "\(TaskRecord.joined) WHERE tasks.id = $1")
        static let onBackend = Statement(
            "task.on_backend", "\(TaskRecord.joined) WHERE attempts.backend = $1 AND attempts.backend_task = $2")
        static let live = Statement(
            "task.live", "\(TaskRecord.joined) WHERE attempts.state <> 'ended' ORDER BY tasks.queued_at, tasks.id")
        static let liveOnBackend = Statement(
            "task.live_on_backend",
            """
            \(TaskRecord.joined) WHERE attempts.state <> 'ended' AND attempts.backend = $1
            ORDER BY tasks.queued_at, tasks.id
            """)
        static let knows = Statement(
            "attempt.knows",
            """
            SELECT number FROM attempts WHERE backend_task = $1
            UNION ALL SELECT tries FROM cleanups WHERE backend = $2 AND backend_task = $1
            LIMIT 1
            """)
        static let attempts = Statement(
            "attempt.list", "SELECT \(AttemptRecord.columns) FROM attempts WHERE task = $1 ORDER BY number")
        private static let isQueued = "tasks.state = 'queued' AND tasks.intent = 'none' AND tasks.fetching = 0"
        private static let inOrder = "ORDER BY tasks.priority DESC, tasks.queued_at, tasks.id"
        private static let isBehind = "tasks.priority = $1 AND (tasks.queued_at, tasks.id) > ($2, $3)"
        private static let queueRows = """
            SELECT \(QueuedTask.columns), \(AttemptRecord.columns) FROM tasks
            LEFT JOIN attempts ON attempts.task = tasks.id AND attempts.number = tasks.attempt
                AND attempts.state <> 'ended'
            """
        static let queueBehind = Statement(
            "task.queue_behind", "\(queueRows) WHERE \(isQueued) AND \(isBehind) \(inOrder) LIMIT $4")
        static let queueBelow = Statement(
            "task.queue_below", "\(queueRows) WHERE \(isQueued) AND tasks.priority < $1 \(inOrder) LIMIT $2")
        static let waitingBehind = Statement(
            "task.waiting_behind",
            "\(TaskRecord.joined) WHERE tasks.state = 'queued' AND \(isBehind) \(inOrder) LIMIT $4")
        static let waitingBelow = Statement(
            "task.waiting_below",
            "\(TaskRecord.joined) WHERE tasks.state = 'queued' AND tasks.priority < $1 \(inOrder) LIMIT $2")
        static let queueIndex = Statement(
            "task.queue_index",
            "SELECT id, revision FROM tasks WHERE state = 'queued' AND intent = 'none' AND fetching = 0")
        static let queued = Statement("task.queued", "\(queueRows) WHERE tasks.id = $1 AND \(isQueued)")
    }
}

/// What makes an attempt's backend one that holds the project of an earlier run.
enum ProjectText {
    static let isProject = """
        attempts.state = 'ended' AND attempts.copy = 1 AND attempts.fenced = 0 AND attempts.accepted_at IS NOT NULL
        """
}
