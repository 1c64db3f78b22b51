import HTTPClient
import HTTPTypes

/// Why one try of an operation failed, as near to the wire as it is needed to decide what to do.
enum S3Failure: Error, Sendable {
    /// The store said no.
    case refused(S3Refusal)
    /// There was no answer.
    case network(HTTPClientError)
    /// There was an answer that makes no sense.
    case malformed(String)

    /// Whether the same try may succeed a little later.
    var isTransient: Bool {
        switch self {
        case .refused(let refusal): refusal.isTransient
        case .network(let error): error.code.isWorthRepeating
        case .malformed: false
        }
    }

    /// What the caller is told.
    func error(_ call: S3Call, endpoint: S3Endpoint) -> StorageError {
        switch self {
        case .refused(let refusal): refusal.error(call, endpoint: endpoint)
        case .network(let error) where error.code == .cancelled:
            StorageError(.cancelled, "\(call.operation) of \(call.place) was cancelled")
        case .network(let error):
            StorageError(
                .unreachable,
                "\(endpoint) gave no answer to \(call.operation) of \(call.place) (\(error.message)); "
                    + "is the endpoint right, and up?")
        case .malformed(let what):
            StorageError(
                .failed, "\(endpoint) answered \(call.operation) of \(call.place) with \(what); is that an S3 server?")
        }
    }
}

extension HTTPClientError.Code {
    /// Every operation that is made here may be repeated: it does the same again.
    fileprivate var isWorthRepeating: Bool {
        switch self {
        case .notSent, .outcomeUnknown, .timedOut: true
        case .refusedAddress, .tooLarge, .cancelled, .sourceFailed, .invalidRequest: false
        }
    }
}

/// An answer of the store that says no.
struct S3Refusal: Sendable, Equatable {
    var status: Int
    /// S3's word for it; empty where the answer had no body.
    var code: String
    /// S3's sentence.
    var message: String
    /// The region that the bucket is in, where the answer tells.
    var region: String?
    /// The server's time in milliseconds since 1970, where the answer tells.
    var serverTime: Int64?

    init(_ head: OutboundHead, body: [UInt8]) {
        let root = body.isEmpty ? nil : XMLReader.parse(body)
        let error = root?.name == "Error" ? root : nil
        status = head.status
        // They get into messages, and may come from a server that a client named.
        code = String((error?.text(of: "Code") ?? "").prefix(64))
        message = String((error?.text(of: "Message") ?? "").prefix(300))
        region = head.fields["x-amz-bucket-region"] ?? error?.text(of: "Region")
        serverTime =
            error?.text(of: "ServerTime").flatMap(S3Time.parseISO8601)
            ?? head.fields[.date].flatMap(S3Time.parseHTTPDate)
    }

    /// Whether it only asks for patience.
    var isTransient: Bool {
        switch code {
        case "SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "Throttling", "ThrottlingException",
            "RequestLimitExceeded", "OperationAborted":
            true
        case "NotImplemented": false
        default: !isFull && (status >= 500 && status != 501 && status != 507 || status == 429)
        }
    }

    /// Whether the region was wrong.
    var tellsRegion: Bool {
        switch code {
        case "AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException",
            "AuthorizationQueryParametersError":
            true
        // An answer to HEAD has no body, and so no code.
        default: status == 301 || status == 307 || code.isEmpty && status == 400
        }
    }

    /// Whether newer credentials may be accepted.
    var doubtsCredentials: Bool {
        switch code {
        case "ExpiredToken", "InvalidToken", "InvalidAccessKeyId", "SignatureDoesNotMatch", "TokenRefreshRequired":
            true
        default: code.isEmpty && (status == 403 || status == 401 || status == 400)
        }
    }

    /// Whether our clock may be wrong; an answer to HEAD doesn't tell, and rclone says 400 where S3 says 403.
    var doubtsClock: Bool { code == "RequestTimeTooSkewed" || code.isEmpty && (status == 403 || status == 400) }

    private var isFull: Bool {
        switch code {
        case "QuotaExceeded", "XMinioStorageFull", "InsufficientCapacity", "StorageFull",
            "XMinioAdminBucketQuotaExceeded":
            true
        default: status == 507
        }
    }

    func error(_ call: S3Call, endpoint: S3Endpoint) -> StorageError {
        let answer = "\(endpoint) answered \(call.operation) of \(call.place) with \(status) \(code): \(message)"
        switch kind(call) {
        case .notFound: return StorageError(.notFound, "\(call.place) isn't there")
        case .noSuchBucket:
            return StorageError(
                .noSuchBucket, "bucket \"\(call.bucket)\" isn't at \(endpoint); create it or correct its name")
        case .accessDenied:
            return StorageError(.accessDenied, answer + "; check the credentials and what the bucket allows them")
        case .changed: return StorageError(.changed, "\(call.place) has been replaced meanwhile")
        case .full: return StorageError(.full, answer + "; free some space there")
        case let other: return StorageError(other, answer)
        }
    }

    private func kind(_ call: S3Call) -> StorageError.Code {
        switch code {
        case "NoSuchKey", "NoSuchUpload": return .notFound
        case "NoSuchBucket", "InvalidBucketName": return .noSuchBucket
        case "PreconditionFailed", "ConditionalRequestConflict": return .changed
        case "EntityTooLarge": return .tooLarge
        case "InvalidRange": return .beyondEnd
        case "": break
        default: if doubtsCredentials { return .accessDenied }
        }
        switch status {
        case 404: return call.key == nil ? .noSuchBucket : .notFound
        case 401, 403: return isFull ? .full : .accessDenied
        case 412: return .changed
        case 416: return .beyondEnd
        default: return isFull ? .full : isTransient ? .unreachable : .failed
        }
    }
}
