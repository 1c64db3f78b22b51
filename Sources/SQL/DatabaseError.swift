/// Why the database didn't do what it was asked.
public struct DatabaseError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A closed set: safe as a metric label and in a `switch`.
    public enum Code: String, Sendable, CaseIterable {
        /// Not reachable, starting, stopping, or its connection broke; see `outcomeUnknown`.
        case unavailable
        /// A row with this key exists already.
        case uniqueViolation
        /// Any other broken constraint: NOT NULL, CHECK, a foreign key.
        case constraint
        /// Lost against another transaction; the same again may succeed.
        case serialization
        /// Wrong SQL, wrong values, a missing table: a bug or a wrong version.
        case invalid
        /// The database was closed by this program.
        case closed
        /// Another program, or a lock, holds what is needed.
        case locked
        /// The statement took longer than allowed and was ended.
        case timedOut
        /// The caller's task was cancelled while it waited.
        case cancelled
        /// The user or its password isn't accepted, or a right is missing.
        case denied
        /// No space or memory left, or a size limit was met.
        case full
        /// The stored data is damaged, or the file is no database.
        case corrupt
        /// The schema is newer than this program.
        case newerSchema
    }

    /// What kind of failure it was.
    public var code: Code
    /// For people: what was wrong and what to do.
    ///
    /// Holds no passwords, but may quote a value that the database refused.
    public var message: String
    /// PostgreSQL's five characters, or SQLite's extended result code as a number.
    public var sqlState: String?
    /// The name of the statement, if one was running.
    public var statement: String?
    /// True when the statement or the commit may have taken effect although no answer came.
    public var outcomeUnknown: Bool

    /// Describes a failure.
    public init(
        _ code: Code, _ message: String, sqlState: String? = nil, statement: String? = nil, outcomeUnknown: Bool = false
    ) {
        self.code = code
        self.message = message
        self.sqlState = sqlState
        self.statement = statement
        self.outcomeUnknown = outcomeUnknown
    }

    /// The message with its code, state and statement.
    public var description: String {
        var text = "\(code.rawValue): \(message)"
        if let sqlState { text += " [\(sqlState)]" }
        if let statement { text += " (statement \(statement))" }
        if outcomeUnknown { text += " (outcome unknown)" }
        return text
    }

    static func cancelled(statement: String? = nil) -> DatabaseError {
        DatabaseError(.cancelled, "The task was cancelled while it waited for the database.", statement: statement)
    }

    /// The error as this module's own: what else a closure can throw is the cancellation of its task.
    static func wrapping(_ error: any Error, statement: String? = nil) -> DatabaseError {
        if let error = error as? DatabaseError { return error }
        if error is CancellationError {
            return .cancelled(statement: statement)
        }
        return DatabaseError(.unavailable, "The database's thread failed: \(error).", statement: statement)
    }
}
