public import SQL

/// Why the record couldn't be read or written.
public struct RecordError: Error, Sendable, CustomStringConvertible {
    /// A closed set: safe as a metric label and in a `switch`.
    public enum Code: String, Sendable, CaseIterable {
        /// The database can't be used at the moment; the same again may succeed.
        case away
        /// The database was asked for something that it refused: a bug, a full disk, missing rights.
        case refused
        /// A row holds what this program can't read.
        case unreadable
        /// The lease under which the transition was to be made belongs to somebody else by now; nothing was changed.
        case leaseLost
        /// The caller's task was cancelled while it waited.
        case cancelled
    }

    /// What kind of failure it was.
    public var code: Code
    /// One sentence for people: what was wrong and what to do.
    public var message: String
    /// True when the change may have taken effect although no answer came: read the record before trying again.
    public var outcomeUnknown: Bool
    /// The database's own error, if there was one.
    public var underlying: DatabaseError?

    /// Describes a failure.
    public init(_ code: Code, _ message: String, outcomeUnknown: Bool = false, underlying: DatabaseError? = nil) {
        self.code = code
        self.message = message
        self.outcomeUnknown = outcomeUnknown
        self.underlying = underlying
    }

    /// The error as this module's own.
    init(_ error: any Error) {
        switch error {
        case let error as RecordError: self = error
        case let error as DatabaseError:
            self.init(
                Code(error.code), error.message, outcomeUnknown: error.outcomeUnknown, underlying: error)
        case is CancellationError: self.init(.cancelled, "The task was cancelled while it waited for the record.")
        default: self.init(.refused, "The record failed: \(error).")
        }
    }

    /// The message with its code.
    public var description: String { "\(code.rawValue): \(underlying?.description ?? message)" }
}

extension RecordError.Code {
    /// Asks every code of the database for its answer.
    init(_ code: DatabaseError.Code) {
        switch code {
        case .unavailable, .serialization, .closed, .locked, .timedOut: self = .away
        case .uniqueViolation, .constraint, .invalid, .denied, .full, .corrupt, .newerSchema: self = .refused
        case .cancelled: self = .cancelled
        }
    }
}

/// Thrown inside a transition whose guard doesn't hold, so that the transaction leaves no trace.
struct GuardFailed: Error {}
