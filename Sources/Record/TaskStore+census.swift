public import Model
internal import SQL

/// How many tasks of one state have their current attempt on one backend.
public struct TaskTally: Sendable, Equatable {
    /// Their state.
    public var state: TaskState
    /// The backend; nil without an attempt.
    public var backend: BackendName?
    /// How many they are.
    public var tasks: Int
    /// What those of their inputs take that are in the storage.
    public var storedInputs: ByteCount
}

/// What is counted over all tasks.
extension TaskStore {
    /// Counts the tasks that aren't being removed; takes time with their number.
    public func tallies() async throws(RecordError) -> [TaskTally] {
        try await rows(of: CensusText.tallies()) { row in
            var reader = RowReader(row)
            return TaskTally(
                state: try reader.word(TaskState.self),
                backend: try reader.textIfPresent().map { BackendName(recorded: $0) }, tasks: try reader.int(),
                storedInputs: ByteCount(try reader.integer()))
        }
    }

    /// What the files of uploads without a commit take.
    public func uploadedBytes() async throws(RecordError) -> ByteCount {
        try await rows(of: CensusText.uploads()) { row in
            var reader = RowReader(row)
            return ByteCount(try reader.integer())
        }.first ?? ByteCount(0)
    }

    /// How many webhooks are still to be delivered.
    public func webhookBacklog() async throws(RecordError) -> Int {
        try await rows(of: CensusText.webhooks()) { row in
            var reader = RowReader(row)
            return try reader.int()
        }.first ?? 0
    }
}

private enum CensusText {
    static let tallies = Statement(
        "task.census",
        """
        SELECT tasks.state, attempts.backend, COUNT(*),
            CAST(COALESCE(SUM(CASE WHEN tasks.inputs_removed_at IS NULL THEN tasks.bytes ELSE 0 END), 0) AS BIGINT)
        FROM tasks LEFT JOIN attempts ON attempts.task = tasks.id AND attempts.number = tasks.attempt
        WHERE tasks.intent <> 'remove' GROUP BY tasks.state, attempts.backend ORDER BY tasks.state, attempts.backend
        """)
    static let webhooks = Statement(
        "webhook.census", "SELECT COUNT(*) FROM webhooks WHERE state = 'pending'")
    static let uploads = Statement(
        "file.census",
        """
        SELECT CAST(COALESCE(SUM(files.bytes), 0) AS BIGINT) FROM tasks JOIN files ON files.task = tasks.id
        WHERE tasks.state = 'receiving' AND tasks.intent = 'none'
        """)
}
