public import Model
internal import SQL

/// A task that another gateway placed, with what is known of it.
public struct ForeignTask: Sendable, Equatable {
    /// As clients know it.
    public var id: TaskID
    /// The token's name; nil for a task that was sent without one.
    public var owner: String?
    /// Where it runs or ran.
    public var backend: BackendName
    /// Its name there.
    public var backendTask: BackendTaskID
    /// For display.
    public var name: String
    /// JSON text, an array of `{name, value}`.
    public var options: String
    /// Shown to clients.
    public var dateCreated: Timestamp
    /// How many images it has.
    public var images: Int

    /// Everything but what only its backend knows is needed.
    public init(
        id: TaskID, owner: String?, backend: BackendName, name: String, options: String = "[]", dateCreated: Timestamp,
        images: Int = 0
    ) {
        self.id = id
        self.owner = owner
        self.backend = backend
        backendTask = BackendTaskID(id.string)
        self.name = name
        self.options = options
        self.dateCreated = dateCreated
        self.images = images
    }
}

/// Tasks of other gateways.
extension TaskStore {
    /// Records a task that a backend has already, as placed there. Its inputs were never ours: it can't be sent anywhere again.
    /// - Parameters:
    ///   - task: what is known of it.
    ///   - reason: where it comes from, for its history.
    ///   - at: now.
    /// - Returns: false where the record has a task of that identity; nothing is changed then.
    /// - Throws: `RecordError`.
    public func takeOver(_ task: ForeignTask, reason: String, at: Timestamp) async throws(RecordError) -> Bool {
        try await transition(at: at) { transition in
            let inserted = try await transition.session.execute(
                SQLText.task(
                    SQLValue(task.id), .text(task.id.string), SQLValue(task.owner), .cleaned(task.name),
                    .cleaned(task.options), SQLValue(task.dateCreated), SQLValue(at), SQLValue(task.images)))
            guard inserted == 1 else { return false }
            try await transition.session.execute(
                SQLText.attempt(
                    SQLValue(task.id), SQLValue(task.backend), SQLValue(task.backendTask), .cleaned(reason),
                    SQLValue(at)))
            // Tells every gateway on this record of it.
            _ = try await transition.lock(task.id)
            try await transition.tell(.accepted, of: task.id, attempt: 1, on: task.backend, reason)
            return true
        }
    }

    private enum SQLText {
        static let task = Statement(
            "task.import",
            """
            INSERT INTO tasks (id, spelling, owner, name, options, skip_post_processing, priority, state, date_created,
                created_at, data_at, committed_at, queued_at, inputs_expired_at, inputs_removed_at, images, attempt,
                last_attempt)
            VALUES ($1, $2, $3, $4, $5, 0, 0, 'placed', $6, $7, $7, $7, $7, $7, $7, $8, 1, 1)
            ON CONFLICT (id) DO NOTHING
            """)
        static let attempt = Statement(
            "attempt.import",
            """
            INSERT INTO attempts (task, number, backend, backend_task, state, reason, copy, recorded_at, sending_at,
                committing_at, accepted_at)
            VALUES ($1, 1, $2, $3, 'accepted', $4, 1, $5, $5, $5, $5)
            """)
    }
}
