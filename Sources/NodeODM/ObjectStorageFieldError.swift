/// Why a task whose images are in object storage can't be taken.
public struct ObjectStorageFieldError: Error, Sendable, Equatable {
    /// A closed set: safe as a metric label, and what the HTTP status of a JSON body's answer follows from.
    public enum Code: String, Sendable {
        /// The client must write it otherwise: 400.
        case invalid
        /// Known, and not offered by any gateway yet: 501.
        case notImplemented
    }
    /// What kind of failure it was.
    public var code: Code
    /// One sentence for people: which field, what was wrong, what is allowed.
    public var message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
