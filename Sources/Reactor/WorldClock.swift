import Glibc

/// The time of the world that the control plane lives in: the system's, or a simulated one.
public protocol WorldClock: Sendable {
    /// Now, for deadlines and measured times.
    func monotonic() -> MonotonicTime
    /// Now, as the record keeps it: milliseconds since 1970.
    func wallMilliseconds() -> Int64
    /// Suspends the task.
    /// - Parameter duration: at least so long.
    /// - Throws: `CancellationError` when the task is cancelled meanwhile.
    func sleep(for duration: Duration) async throws
}

extension WorldClock {
    /// Suspends the task for good: what a service without work does, since its end would be its group's.
    /// - Throws: `CancellationError`.
    public func untilCancelled() async throws {
        while true { try await sleep(for: .seconds(3600)) }
    }
}

/// The system's clocks; sleeps on the caller's event loop where there is one.
public struct SystemClock: WorldClock {
    /// Needs nothing.
    public init() {}

    /// Reads CLOCK_MONOTONIC.
    public func monotonic() -> MonotonicTime { .now() }

    /// Reads CLOCK_REALTIME.
    public func wallMilliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// Sleeps on the current loop's timers, elsewhere on those of Swift's own pool.
    public func sleep(for duration: Duration) async throws {
        guard let loop = EventLoop.current else { return try await Task.sleep(for: duration) }
        try await loop.sleep(for: duration)
    }
}
