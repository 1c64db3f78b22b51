/// A task in the queue. It never changes: another takes its place, and what a group still has of it is dead then.
///
/// An object, so that the free room of the queue's tables costs a reference an entry.
final class WaitingTask: Sendable {
    let task: QueuedTask
    /// Its place among tasks of the same millisecond.
    let ticket: UInt64

    init(_ task: QueuedTask, ticket: UInt64) {
        self.task = task
        self.ticket = ticket
    }

    var age: Age { Age(since: task.queuedSince, ticket: ticket) }
}
