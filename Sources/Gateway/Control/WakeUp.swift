/// Wakes one waiting task; several wake-ups before it looks are one.
struct WakeUp: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1)) }

    /// Wakes the waiter, now or when it next waits.
    func wake() { continuation.yield() }

    /// The wake-ups, for the one task that waits.
    func wakeUps() -> AsyncStream<Void> { stream }
}
