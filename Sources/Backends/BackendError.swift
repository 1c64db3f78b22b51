public import Model

/// Why a backend didn't do what it was asked.
public struct BackendError: Error, Sendable, CustomStringConvertible {
    /// A closed set: safe as a metric label and in a `switch`.
    public enum Code: String, Sendable, CaseIterable {
        /// Nothing of the request can have reached the backend.
        case notSent
        /// The request left wholly or partly, and no complete answer came.
        case outcomeUnknown
        /// The backend refused *this task*: its options, its images, its name.
        case refused
        /// The backend has no room now: concurrency limit, flood limit, 429.
        case busy
        /// The backend refused our token.
        case unauthorized
        /// The backend answers, and says that it doesn't know the task.
        case unknownTask
        /// The upload area is gone.
        case uploadLost
        /// The backend refused the identity that was chosen (`Invalid set-uuid`).
        case identityRefused
        /// A 5xx, HTML, or JSON of another shape: the backend is in trouble, the task isn't to blame.
        case malformedAnswer
        /// Our own storage couldn't deliver the inputs.
        case inputsUnreadable
        /// Our own storage has lost an input: only the client has it still.
        case inputsMissing
        /// The caller was cancelled: our own end, a cancel, a drain.
        case cancelled
    }

    /// What kind of failure it was.
    public var code: Code
    /// The backend that was asked.
    public var backend: BackendName
    /// One sentence for people: what was wrong.
    public var message: String

    /// Every part is given.
    public init(_ code: Code, backend: BackendName, _ message: String) {
        self.code = code
        self.backend = backend
        self.message = message
    }

    /// Backend and sentence.
    public var description: String { "\(backend): \(message)" }
}

extension BackendError.Code {
    /// Whether the failure counts towards `scheduling.attempts` (rules: *Counted*).
    public var isCounted: Bool {
        switch self {
        case .refused, .inputsMissing: true
        case .notSent, .outcomeUnknown, .busy, .unauthorized, .unknownTask, .uploadLost, .identityRefused: false
        case .malformedAnswer, .inputsUnreadable, .cancelled: false
        }
    }

    /// Whether the backend leaves the choice for a while, probed half-open (rules: 5 s doubling to 60 s).
    public var opensCircuit: Bool {
        switch self {
        case .notSent, .outcomeUnknown, .busy, .unauthorized, .malformedAnswer: true
        case .refused, .unknownTask, .uploadLost, .identityRefused, .inputsUnreadable, .inputsMissing: false
        case .cancelled: false
        }
    }
}
