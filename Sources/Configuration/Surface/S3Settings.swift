public import Model
public import Observability

/// `storage.s3`: an object store.
public struct S3Settings: Sendable, Equatable {
    /// As the gateway reaches it.
    public var endpoint = HTTPURL(secureHost: "s3.amazonaws.com")
    /// As clients reach it; nil: the same.
    public var publicEndpoint: HTTPURL?
    /// The region that requests are signed for.
    public var region = "us-east-1"
    /// The bucket of staged inputs and results; empty only without a file: then nothing can be uploaded.
    public var bucket = ""
    /// What every key starts with.
    public var prefix = "scaleodm/"
    /// nil: true where an endpoint other than AWS is set.
    public var pathStyle: Bool?
    /// Certificate authorities of the endpoint, a PEM file.
    public var caFile: String?
    /// Who signs; nil is filled from AWS_ACCESS_KEY_ID. It may be missing only without a file.
    public var accessKeyID: Secret?
    /// What signs; nil is filled from AWS_SECRET_ACCESS_KEY.
    public var secretAccessKey: Secret?
    /// Of temporary credentials.
    public var sessionToken: Secret?
    /// All part buffers together.
    public var buffers = ByteCount.mebibytes(48)
    /// What clients may name in s3:// inputs and outputs.
    public var allowedBuckets = ["*"]
    /// What clients may name as s3Endpoint, beside `endpoint` and a workflow's.
    public var allowedEndpoints: [HTTPURL] = []
    /// The defaults.
    public init() {}

    /// Whether the bucket stands in the path rather than in the host's name.
    public var usesPathStyle: Bool { pathStyle ?? !endpoint.host.hasSuffix("amazonaws.com") }
}
