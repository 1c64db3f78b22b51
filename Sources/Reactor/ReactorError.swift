import Glibc

/// Why the system, or the peer, ended what was asked.
public struct ReactorError: Error, Sendable, CustomStringConvertible {
    /// A closed set: safe as a metric label and in a `switch`.
    public enum Code: String, Sendable {
        /// Our side closed the socket while somebody waited on it.
        case closed
        /// The deadline passed.
        case timedOut
        /// The peer reset the connection, or it broke.
        case connectionReset
        /// Nobody listens there.
        case refused
        /// Another program has that port.
        case addressInUse
        /// The name has no address.
        case resolve
        /// Another error of the system: `errno` tells.
        case system
    }

    /// What kind of failure it was.
    public var code: Code
    /// The system's error number, 0 where there is none.
    public var errno: Int32
    /// One sentence for people.
    public var message: String

    /// Every part is given.
    public init(_ code: Code, errno: Int32 = 0, _ message: String) {
        self.code = code
        self.errno = errno
        self.message = message
    }

    /// Translates an `errno` that a call has just set.
    /// - Parameters:
    ///   - number: the value of `errno`.
    ///   - action: what was tried, such as `connect`.
    public init(errno number: Int32, during action: String) {
        errno = number
        code =
            switch number {
            case ECONNRESET, EPIPE, ENOTCONN: .connectionReset
            case ECONNREFUSED: .refused
            case ETIMEDOUT: .timedOut
            case EADDRINUSE: .addressInUse
            default: .system
            }
        message = "\(action): \(String(cString: strerror(number)))"
    }

    /// The sentence for people.
    public var description: String { message }

    static let closed = ReactorError(.closed, "the socket was closed")
    static let timedOut = ReactorError(.timedOut, errno: ETIMEDOUT, "the deadline passed")
}
