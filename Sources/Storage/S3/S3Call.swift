import Digests
import HTTPClient
import HTTPTypes

/// What goes along with a request to an object store.
enum S3Payload: Sendable {
    case none
    /// Small, and always hashed.
    case bytes([UInt8])
    /// A part in its buffer, with its hash where it is known.
    case part(S3PartBuffer, SHA256Digest?)

    /// What the signature says of it. Over https a part's hash would protect nothing that TLS doesn't.
    func hash(isSecure: Bool) -> String {
        switch self {
        case .none: return SigV4Signer.emptyPayload
        case .bytes(let bytes): return SHA256.digest(of: bytes).hexadecimal
        case .part(let buffer, let digest):
            if isSecure { return SigV4Signer.unsignedPayload }
            return digest?.hexadecimal ?? buffer.digest().hexadecimal
        }
    }

    /// The body of one try.
    var body: OutboundRequest.Body {
        switch self {
        case .none: .none
        case .bytes(let bytes): .bytes(bytes)
        case .part(let buffer, _): .stream(length: Int64(buffer.count), S3PartSource(buffer))
        }
    }
}

/// One operation on an object store, before it is addressed and signed: the same for every try.
struct S3Call: Sendable {
    /// Its name in S3's documentation.
    var operation: String
    var method: HTTPMethod
    var bucket: String
    var key: String?
    var query: [(name: String, value: String)] = []
    /// Those that begin with x-amz- or content- are signed.
    var fields: [(name: HTTPField.Name, value: String)] = []
    var payload = S3Payload.none
    /// For how long the store may think about it in silence, if that is longer than for others.
    var patience = Duration.zero
    /// Whether a 200 may say in its body that it failed.
    var mayFailLate = false

    init(_ operation: String, _ method: HTTPMethod, _ bucket: String, key: String? = nil) {
        self.operation = operation
        self.method = method
        self.bucket = bucket
        self.key = key
    }

    /// For people.
    var place: String { key.map { "\(bucket)/\($0.prefix(200))" } ?? "bucket \"\(bucket)\"" }
}
