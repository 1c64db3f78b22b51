/// Why another ScaleODM didn't do what it was asked.
public struct ScaleODMError: Error, Sendable, CustomStringConvertible {
    /// A closed set: safe as a metric label and in a `switch`.
    public enum Code: String, Sendable, CaseIterable {
        /// Nothing of the request can have had an effect.
        case notSent
        /// The request left wholly or partly, and no answer came that says what became of it.
        case outcomeUnknown
        /// It refused what it was asked, in its own words: 400, 413, 415, 422, 501.
        case refused
        /// It, or what stands before it, refused our token.
        case unauthorized
        /// It says itself that it doesn't know the task or the asset.
        case notFound
        /// There is no such path: the address in the inventory is wrong.
        case noSuchPlace
        /// The task is in a state in which this can't be done: 409.
        case conflict
        /// Too many requests.
        case busy
        /// A 5xx to a question, or an answer of another shape, such as a proxy's page.
        case malformedAnswer
        /// The caller was cancelled.
        case cancelled
    }

    /// What kind of failure it was.
    public var code: Code
    /// One sentence for people, with its own words where it had any; never the token.
    public var message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Code and sentence.
    public var description: String { "\(code.rawValue): \(message)" }
}
