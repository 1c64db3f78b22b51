public import Model
internal import SQL

/// What is told of the record's tasks to every program that works on it.
public enum TaskChange: Sendable, Equatable {
    /// Changes may have been missed: nothing that was read before can be relied on. Comes first.
    case reset
    /// A transition was committed; the task's row has this revision by now, or a higher one.
    case changed(TaskID, revision: Int64)

    static let channel = "scaleodm_tasks"

    init?(payload: String) {
        if payload == ListenSignal.reset {
            self = .reset
            return
        }
        let parts = payload.split(separator: " ")
        guard parts.count == 2, let task = TaskID(String(parts[0])), let revision = Int64(parts[1]) else { return nil }
        self = .changed(task, revision: revision)
    }

    static func payload(_ task: TaskID, revision: Int64) -> String { "\(task.key) \(revision)" }
}

extension TaskStore {
    /// Odd while `changes` misses none, and another number after each interruption.
    public var changesEpoch: UInt64 { database.listenEpoch }

    /// The transitions of this program and of all others on the same database, as they are committed.
    ///
    /// Progress and lines aren't told: whoever shows a task asks its owner. Listening ends with the stream.
    public func changes() -> AsyncCompactMapSequence<AsyncStream<String>, TaskChange> {
        database.listen(channel: TaskChange.channel).compactMap { TaskChange(payload: $0) }
    }
}
