internal import Reactor

/// Bounds how long is waited for something that may hang for ever, such as a dead network file system.
enum TimeLimit {
    /// Waits for some work, and no longer than the limit: work that doesn't end when it is cancelled is left to itself.
    /// - Parameters:
    ///   - limit: how long is waited.
    ///   - clock: measures it.
    ///   - loop: where the work runs; nil: on Swift's own pool.
    ///   - work: what is waited for; it is cancelled when the caller is, or when its time is over.
    /// - Returns: nil where the time ran out, or the caller was cancelled.
    static func run<Result: Sendable>(
        _ limit: Duration, by clock: any WorldClock = SystemClock(), on loop: EventLoop?,
        _ work: @escaping @Sendable () async -> Result
    ) async -> Result? {
        let (results, continuation) = AsyncStream.makeStream(of: Result?.self)
        // Tasks of their own: a group would wait for the one that hangs.
        let working = Task(executorPreference: loop) { continuation.yield(await work()) }
        let timer = Task(executorPreference: loop) {
            try await clock.sleep(for: limit)
            continuation.yield(nil)
        }
        defer {
            working.cancel()
            timer.cancel()
        }
        for await result in results { return result }
        return nil
    }
}
