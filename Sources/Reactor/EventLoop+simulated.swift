import Glibc
import Synchronization

/// The loop without its thread: a simulated world takes its jobs one by one, in the order that it likes.
///
/// Such a loop is never run by `run()`; sockets and timers don't come to it, time being the world's.
extension EventLoop {
    /// Is the calling thread's loop for as long as the body runs.
    /// - Parameter body: calls `runNext`.
    /// - Returns: what the body returned.
    public func whileSimulated<Result>(_ body: () throws -> Result) rethrows -> Result {
        owner.store(UInt(pthread_self()), ordering: .relaxed)
        // Invariant: reset before this returns, and the caller keeps the loop alive until then.
        pthread_setspecific(Self.currentKey, Unmanaged.passUnretained(self).toOpaque())
        defer {
            pthread_setspecific(Self.currentKey, nil)
            owner.store(0, ordering: .relaxed)
        }
        return try body()
    }

    /// Runs one of the jobs at hand.
    /// - Parameter choose: gets their number, ≥ 1, and says which is next. Tasks promise each other no order, so any is right.
    /// - Returns: false where none is at hand.
    public func runNext(_ choose: (_ count: Int) -> Int) -> Bool {
        assertCurrent()
        takeInbox()
        guard !jobs.isEmpty else { return false }
        let waiting = jobs.remove(at: jobs.count == 1 ? 0 : choose(jobs.count))
        run(waiting, asUnownedSerialExecutor(), asUnownedTaskExecutor())
        return true
    }
}
