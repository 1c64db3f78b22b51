/// Something with a descriptor that a loop watches. Lives on that loop's thread.
public class EventSource {
    init() {}

    /// Its place in the loop's table; nil while it isn't registered.
    final var registration: EventLoop.Registration?
    /// The wheel tick that will look at this source's deadlines; `.max` while none is armed.
    final var armedTick = Int64.max

    /// Called by the loop with epoll's event bits.
    func ready(_ events: UInt32) {}

    /// Called by the loop's wheel when a deadline may have passed.
    /// - Returns: the next deadline to look at, or nil.
    func deadlineReached(_ now: MonotonicTime) -> MonotonicTime? { nil }
}
