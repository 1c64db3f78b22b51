/// A loop as the executor of actors, apart from the loop as the executor of tasks.
///
/// A task's job must not run as if it were some actor's: each call of a nonisolated function would then leave that
/// isolation, which Swift does by queueing a job (measured: six jobs for a request instead of one).
final class ActorExecutor: SerialExecutor {
    // Invariant: set once by the loop's initialiser, before anybody can enqueue, and then only read; the loop owns this object
    // and outlives it, and whoever enqueues holds the loop.
    nonisolated(unsafe) private unowned(unsafe) var loop: EventLoop?

    func belong(to loop: EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        // A job without a loop would be lost, and its task with it.
        guard let loop else { fatalError("an actor's executor belongs to a loop") }
        loop.enqueue(UnownedJob(job), isIsolated: true)
    }

    /// Tells Swift that code of actors on this executor runs here.
    func checkIsolated() { precondition(loop?.isCurrent == true, "not on the actor's event loop") }
}
