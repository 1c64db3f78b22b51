/// How an object store is reached, beside the credentials.
public struct S3Configuration: Sendable {
    /// As this program reaches it.
    public var endpoint: S3Endpoint
    /// As clients reach it, in pre-signed URLs; nil: the same.
    public var publicEndpoint: S3Endpoint?
    /// The region that requests are signed for until the store tells another one.
    public var region: String
    /// Whether the bucket stands in the path rather than in the host's name; nil: everywhere but at AWS.
    public var pathStyle: Bool?
    /// PEM file of the authorities that vouch for the endpoint; nil for the system's.
    public var authoritiesFile: String?
    /// How often an operation is tried, ≥ 1, while the store is away or asks for patience.
    public var attempts = 6
    /// How long the store may be silent before a try is given up, in whole seconds; it gets at least five minutes to put the
    /// parts of an object together.
    public var patience = Duration.seconds(60)
    /// Told of every try that failed and is made again, for logs and metrics.
    public var onRetry: (@Sendable (StorageError) -> Void)?

    /// The rest as described.
    public init(endpoint: S3Endpoint = .aws, region: String = "us-east-1") {
        self.endpoint = endpoint
        self.region = region
    }
}
