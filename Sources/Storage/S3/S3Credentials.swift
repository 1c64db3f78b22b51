/// Who signs requests to an object store, and with what.
public struct S3Credentials: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
    /// Sent along with each request.
    public var accessKeyID: String
    /// Never sent.
    public var secretAccessKey: String
    /// Sent along where the credentials are temporary.
    public var sessionToken: String?

    /// Every part is given.
    public init(accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
    }

    /// The key's id alone: nothing else may get into a log.
    public var description: String { "S3Credentials(\(accessKeyID))" }
    /// As `description`.
    public var debugDescription: String { description }
}

/// Hands out the credentials that hold now. Asked before every request and once more after one was refused for them, so it
/// must be quick: one that reads a file looks whether the file changed.
///
/// Throws anything; the request then fails with `.accessDenied`.
public typealias S3CredentialsProvider = @Sendable () async throws -> S3Credentials
