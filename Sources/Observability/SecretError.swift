/// Why a secret couldn't be read.
public struct SecretError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A closed set: safe as a metric label.
    public enum Code: String, Sendable {
        /// It isn't there, isn't a regular file, or isn't ours to read.
        case unreadable
        /// It has more than 64 KiB, or bytes that aren't UTF-8, or a NUL: surely not a secret.
        case malformed
        /// It holds nothing.
        case empty
    }

    /// What kind of failure it was.
    public let code: Code
    /// One sentence for people, with the path.
    public let message: String

    /// Both parts are given.
    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    /// For people.
    public var description: String { message }
}
