/// Why a node didn't do what it was asked.
public struct NodeODMError: Error, Sendable, CustomStringConvertible {
    /// A closed set: safe as a metric label and in a `switch`.
    public enum Code: String, Sendable, CaseIterable {
        /// Nothing of the request can have reached the node.
        case notSent
        /// The request left wholly or partly, and no complete answer came: only looking tells what happened.
        case outcomeUnknown
        /// The node refused this request, in its own words.
        case refused
        /// The node has no room now: concurrency limit, flood limit, no node online behind it, 429.
        case busy
        /// The node refused our token or address.
        case unauthorized
        /// The node answers, and says that it doesn't know the task.
        case unknownTask
        /// The upload area is not there: never initialised, committed already, or expired.
        case uploadLost
        /// The node refused the uuid that was chosen.
        case identityRefused
        /// A 5xx, HTML, or JSON of another shape: the node is in trouble, and nothing follows about the task.
        case malformedAnswer
        /// The files to upload couldn't be read.
        case inputsUnreadable
        /// The caller was cancelled.
        case cancelled
    }

    /// What kind of failure it was.
    public var code: Code
    /// One sentence for people, with the node's own words where it had any; never the token.
    public var message: String

    /// A failure.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Code and message.
    public var description: String { "\(code.rawValue): \(message)" }
}
