public import Model
public import SQL

/// The history of each task: what happened and why. Every transition adds its own line in its own transaction.
public struct EventLog: Sendable {
    private let database: any Database

    /// The events in a migrated database.
    public init(_ database: any Database) { self.database = database }

    /// Adds what isn't a transition, such as a silent backend or a note.
    /// - Returns: false if there is no such task any more; nothing is written then.
    @discardableResult
    public func append(
        _ kind: EventKind, of task: TaskID, attempt: Int? = nil, on backend: BackendName? = nil, _ detail: String = "",
        at: Timestamp
    ) async throws(RecordError) -> Bool {
        do {
            return try await database.transaction(.lockedRow) { session in
                let transition = Transition(session: session, at: at)
                guard try await transition.lock(task) != nil else { return false }
                try await transition.tell(kind, of: task, attempt: attempt, on: backend, detail)
                return true
            }
        } catch {
            throw RecordError(error)
        }
    }

    /// A task's history, oldest first: at most `limit` lines of those with a higher number than `after`.
    public func events(
        of task: TaskID, after: Int = 0, limit: Int = 1000
    ) async throws(RecordError) -> [TaskEvent] {
        do {
            return try await database.query(Self.read(SQLValue(task), SQLValue(after), SQLValue(limit)))
                .map { try TaskEvent(row: $0) }
        } catch {
            throw RecordError(error)
        }
    }

    private static let read = Statement(
        "event.list",
        "SELECT \(TaskEvent.columns) FROM events WHERE task = $1 AND number > $2 ORDER BY number LIMIT $3")
}
