public import Model

/// Takes a backend out of the choice after failures that say nothing about the task: unreachable, 401, 429, 5xx.
///
/// After a pause (5 s, doubled by each failure in a row up to 60 s) one task is tried; its end decides.
public struct CircuitBreaker: Sendable, Equatable {
    /// What it lets through.
    public enum State: Sendable, Equatable {
        /// Everything.
        case closed
        /// Nothing until a moment.
        case open(until: Timestamp)
        /// One placement; none while that is under way.
        case halfOpen(isProbing: Bool)
    }

    private static let pauses: [Duration] = [.seconds(5), .seconds(10), .seconds(20), .seconds(40), .seconds(60)]

    private var failures = 0
    private var openUntil: Timestamp?
    private var isProbing = false

    /// Closed.
    public init() {}

    /// What it lets through at a moment.
    public func state(at now: Timestamp) -> State {
        guard let openUntil else { return .closed }
        return now < openUntil ? .open(until: openUntil) : .halfOpen(isProbing: isProbing)
    }

    /// The backend failed in a way that isn't the task's.
    public mutating func fail(at now: Timestamp) {
        // Several calls that fail together are one failure.
        if let openUntil, now < openUntil { return }
        let pause = Self.pauses[min(failures, Self.pauses.count - 1)]
        failures += 1
        isProbing = false
        openUntil = now + pause
    }

    /// A placement is under way. Counts where the breaker is half open.
    public mutating func begin(at now: Timestamp) {
        if case .halfOpen = state(at: now) { isProbing = true }
    }

    /// The backend took a task, or answered as it should.
    public mutating func succeed() { self = CircuitBreaker() }

    /// The probe ended without telling anything of the backend (the task was canceled, say).
    public mutating func endProbe() { isProbing = false }
}
