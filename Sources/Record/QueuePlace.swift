internal import Model

/// Where a page of the queue ends: the next begins behind it.
public struct QueuePlace: Sendable, Equatable {
    let priority: Int
    let queuedAt: Timestamp
    let task: TaskID

    /// Behind a task of the queue.
    public init(_ task: QueuedTask) {
        (priority, queuedAt, self.task) = (task.priority, task.queuedAt, task.id)
    }

    /// Behind a task that is queued; nil for one that isn't.
    public init?(_ record: TaskRecord) {
        guard let queuedAt = record.queuedAt else { return nil }
        (priority, self.queuedAt, task) = (record.priority, queuedAt, record.id)
    }
}
