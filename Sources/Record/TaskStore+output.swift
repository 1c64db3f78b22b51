public import Model
internal import SQL

/// What the owner of a placed task says of it.
public struct TaskProgress: Sendable, Equatable {
    /// Of which attempt.
    public var attempt: AttemptKey
    /// 0–100; the record keeps the maximum.
    public var progress: Double
    /// Milliseconds; −1 before the start.
    public var processingTime: Int64
    /// 10 or 20.
    public var code: StatusCode
    /// imagesCount; nil where it isn't known.
    public var imagesCount: Int?

    /// Every part is given.
    public init(
        attempt: AttemptKey, progress: Double, processingTime: Int64, code: StatusCode, imagesCount: Int? = nil
    ) {
        self.attempt = attempt
        self.progress = progress
        self.processingTime = processingTime
        self.code = code
        self.imagesCount = imagesCount
    }
}

/// New console lines of a task.
public struct OutputLines: Sendable, Equatable {
    /// Of which attempt.
    public var attempt: AttemptKey
    /// How many lines the task had before: what makes a second write of the same lines fail.
    public var after: Int
    /// The lines, without line ends.
    public var lines: [String]
    /// How far the backend's own log is read with them.
    public var logCursor: Int

    /// Every part is given.
    public init(attempt: AttemptKey, after: Int, lines: [String], logCursor: Int) {
        self.attempt = attempt
        self.after = after
        self.lines = lines
        self.logCursor = logCursor
    }
}

/// Progress and console lines, written every few seconds a task.
extension TaskStore {
    /// Writes what the owners say of many tasks, in one transaction; how often is the caller's to decide.
    ///
    /// An entry whose attempt isn't the placed one any more, or whose task is to be cancelled, removed or restarted, is
    /// passed over, and so are lines that don't follow on those that are there. Lines are also taken while a cancel is
    /// carried out, and when the attempt has ended with its task: the last ones often say why.
    /// - Returns: the attempts whose progress was written, and those whose lines were.
    public func save(
        progress: [TaskProgress], output: [OutputLines] = [], at: Timestamp
    ) async throws(RecordError) -> (progress: Set<AttemptKey>, output: Set<AttemptKey>) {
        let saved = try await transition(at: at) { transition in
            var saved = Saved()
            // Always in one order, so that two batches at once can't lock each other out.
            let tasks = Set(progress.map(\.attempt.task.key) + output.map(\.attempt.task.key)).sorted()
            let progress = Dictionary(grouping: progress, by: \.attempt.task.key)
            let output = Dictionary(grouping: output, by: \.attempt.task.key)
            for task in tasks {
                for entry in progress[task] ?? [] where try await transition.write(entry) {
                    saved.progress.insert(entry.attempt)
                }
                for entry in output[task] ?? [] where try await transition.write(entry) {
                    saved.output.insert(entry.attempt)
                }
            }
            return saved
        }
        return (saved.progress, saved.output)
    }

    /// Appends a line of the gateway's own to a task that isn't placed, such as "Fetching …", or that is to be restarted.
    public func say(_ line: String, of task: TaskID, at: Timestamp) async throws(RecordError) -> Bool {
        try await guardedTransition(at: at) { transition in
            guard let record = try await transition.lock(task) else { throw GuardFailed() }
            let isWaiting = record.intent == .none && [.queued, .dispatching].contains(record.state)
            guard isWaiting || record.intent == .restart else { throw GuardFailed() }
            try await transition.change(SQLText.say(SQLValue(task)))
            try await transition.insert([line], of: task, after: record.lineCount)
        }
    }

    /// Console lines of a task: at most `limit`, the first one wanted counted from 0.
    public func output(of task: TaskID, from: Int, limit: Int = .max) async throws(RecordError) -> [String] {
        let from = max(0, from)
        let (end, isTooMuch) = from.addingReportingOverflow(max(0, limit))
        let chunks = try await rows(
            of: SQLText.read(SQLValue(task), SQLValue(from), SQLValue(isTooMuch ? Int.max : end))
        ) { row in try OutputChunk(row: row) }
        return chunks.flatMap { chunk in
            chunk.lines.dropFirst(max(0, from - chunk.firstLine))
        }.prefix(max(0, limit)).map(String.init)
    }

    private struct Saved: Sendable {
        var progress: Set<AttemptKey> = []
        var output: Set<AttemptKey> = []
    }

    fileprivate enum SQLText {
        static let progress = Statement(
            "task.progress",
            """
            UPDATE tasks SET progress = CASE WHEN progress > $3 THEN progress ELSE $3 END, processing_time = $4,
                owner_code = $5, images_shown = COALESCE($6, images_shown), revision = revision + 1
            WHERE id = $1 AND attempt = $2 AND state = 'placed' AND intent = 'none'
            """)
        /// Also of an attempt that has just ended, and of one that is being cancelled: its owner may want to know why.
        static let lines = Statement(
            "task.lines",
            """
            UPDATE tasks SET lines = lines + $4, revision = revision + 1
            WHERE id = $1 AND attempt = $2 AND lines = $3 AND intent IN ('none', 'cancel')
                AND state IN ('placed', 'completed', 'failed', 'canceled')
            """)
        static let cursor = Statement(
            "attempt.cursor",
            "UPDATE attempts SET log_cursor = $3 WHERE task = $1 AND number = $2 AND state <> 'ended'")
        static let say = Statement("task.say", "UPDATE tasks SET lines = lines + 1 WHERE id = $1")
        static let insert = Statement(
            "output.insert", "INSERT INTO output (task, first_line, line_count, lines) VALUES ($1, $2, $3, $4)")
        static let read = Statement(
            "output.read",
            """
            SELECT first_line, line_count, lines FROM output
            WHERE task = $1 AND first_line < $3 AND first_line >=
                (SELECT COALESCE(MAX(first_line), 0) FROM output WHERE task = $1 AND first_line <= $2)
            ORDER BY first_line
            """)
    }
}

extension Transition {
    fileprivate func write(_ entry: TaskProgress) async throws -> Bool {
        let changed = try await session.execute(
            TaskStore.SQLText.progress(
                SQLValue(entry.attempt.task), SQLValue(entry.attempt.number), .real(entry.progress),
                SQLValue(entry.processingTime), SQLValue(entry.code.rawValue), SQLValue(entry.imagesCount)))
        return changed == 1
    }

    fileprivate func write(_ entry: OutputLines) async throws -> Bool {
        let (task, number) = (SQLValue(entry.attempt.task), SQLValue(entry.attempt.number))
        let changed = try await session.execute(
            TaskStore.SQLText.lines(task, number, SQLValue(entry.after), SQLValue(entry.lines.count)))
        guard changed == 1 else { return false }
        try await insert(entry.lines, of: entry.attempt.task, after: entry.after)
        try await session.execute(TaskStore.SQLText.cursor(task, number, SQLValue(entry.logCursor)))
        return true
    }

    fileprivate func insert(_ lines: [String], of task: TaskID, after: Int) async throws {
        guard !lines.isEmpty else { return }
        try await session.execute(
            TaskStore.SQLText.insert(
                SQLValue(task), SQLValue(after), SQLValue(lines.count), .cleaned(lines.joined(separator: "\n"))))
    }
}

/// Some console lines that were written together.
private struct OutputChunk: Sendable {
    var firstLine: Int
    var lines: [Substring]

    init(row: Row) throws {
        var reader = RowReader(row)
        firstLine = try reader.int()
        let count = try reader.int()
        let text = try reader.text()
        // A line end inside a line would shift all that follow: what is too much belongs to the last one.
        lines = text.split(separator: "\n", maxSplits: max(0, count - 1), omittingEmptySubsequences: false)
    }
}
