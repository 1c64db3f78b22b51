internal import Reactor

/// Takes a backend out of the choice after a failure, and lets one task probe it when the pause is over.
///
/// Pauses: 5, 10, 20, 40, 60, 60, … seconds (rules: *Counted*).
struct CircuitBreaker: Sendable, Equatable {
    /// What the scheduler may do with the backend.
    enum State: Equatable {
        /// Place as usual.
        case closed
        /// Place nothing before this moment.
        case open(until: MonotonicTime)
        /// Place one task; what becomes of it decides.
        case halfOpen
    }

    private var failures = 0
    private var openUntil: MonotonicTime?
    private var isProbing = false

    /// The state at a moment.
    func state(at now: MonotonicTime) -> State {
        guard let openUntil else { return .closed }
        if now < openUntil { return .open(until: openUntil) }
        return isProbing ? .open(until: now + .seconds(1)) : .halfOpen
    }

    /// A placement failed for the backend's reasons.
    mutating func failed(at now: MonotonicTime) {
        let pause = min(60, 5 << min(failures, 4))
        failures += 1
        openUntil = now + .seconds(pause)
        isProbing = false
    }

    /// A task was placed while half-open.
    mutating func probing() { if openUntil != nil { isProbing = true } }

    /// The probe ended without telling anything: somebody else may probe.
    mutating func probeAbandoned() { isProbing = false }

    /// A placement succeeded.
    mutating func succeeded() { self = CircuitBreaker() }
}
