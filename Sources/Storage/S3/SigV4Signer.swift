import Digests
import HTTPTypes

/// AWS's Signature Version 4, in the form that S3 wants: the path is signed as it is sent, encoded once, not normalised.
///
/// From AWS's documentation "Signature Version 4 for API requests". libcurl's own signer leaves out the payload hash that S3
/// requires and signs queries as they stand, so this one does all of it.
struct SigV4Signer: Sendable {
    /// Who signs.
    var credentials: S3Credentials
    /// The region of the bucket.
    var region: String
    /// The service; another one than S3 only in AWS's published examples.
    var service = "s3"

    /// What stands for the payload's hash where it isn't signed.
    static let unsignedPayload = "UNSIGNED-PAYLOAD"
    /// The hash of an empty payload.
    static let emptyPayload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    private static let algorithm = "AWS4-HMAC-SHA256"

    /// What is signed of a request.
    struct Request: Sendable {
        /// The method's name.
        var method: String
        /// Percent-encoded, as it is sent.
        var path: String
        /// Not encoded, in any order; a parameter without a value has an empty one.
        var query: [(name: String, value: String)] = []
        /// All that is to be signed; Host has to be among them.
        var fields: [(name: String, value: String)]
        /// SHA-256 of the payload in hexadecimal, or `unsignedPayload`.
        var payloadHash: String
    }

    /// The value of Authorization.
    /// - Parameters:
    ///   - request: has `x-amz-date` among its fields, and `x-amz-security-token` where there is one.
    ///   - stamp: what `x-amz-date` says.
    /// - Returns: `AWS4-HMAC-SHA256 Credential=…`.
    func authorization(for request: Request, stamp: String) -> String {
        let signature = signature(of: request, stamp: stamp)
        let who = "Credential=\(credentials.accessKeyID)/\(scope(stamp))"
        return "\(Self.algorithm) \(who), SignedHeaders=\(Self.names(of: request.fields)), Signature=\(signature)"
    }

    /// The query of a URL that needs no field to be authorised.
    /// - Parameters:
    ///   - request: its payload hash is `unsignedPayload`; its query gets the parameters of the signature.
    ///   - stamp: from when on the URL holds.
    ///   - seconds: for how long, 1 to 604,800.
    /// - Returns: the whole query, encoded.
    func presignedQuery(for request: Request, stamp: String, seconds: Int64) -> String {
        var request = request
        request.query += [
            ("X-Amz-Algorithm", Self.algorithm), ("X-Amz-Credential", "\(credentials.accessKeyID)/\(scope(stamp))"),
            ("X-Amz-Date", stamp), ("X-Amz-Expires", String(seconds)),
            ("X-Amz-SignedHeaders", Self.names(of: request.fields)),
        ]
        if let token = credentials.sessionToken { request.query.append(("X-Amz-Security-Token", token)) }
        return Self.encode(request.query) + "&X-Amz-Signature=" + signature(of: request, stamp: stamp)
    }

    /// A query in the canonical order and encoding: what is signed, and what has to be sent.
    static func encode(_ query: [(name: String, value: String)]) -> String {
        query.map { (PercentEncoding.encode($0.name), PercentEncoding.encode($0.value)) }
            .sorted { $0 < $1 }
            .map { "\($0)=\($1)" }.joined(separator: "&")
    }

    private func signature(of request: Request, stamp: String) -> String {
        let canonical = SHA256.digest(of: Self.canonical(request)).hexadecimal
        let toSign = "\(Self.algorithm)\n\(stamp)\n\(scope(stamp))\n\(canonical)"
        var key = Array("AWS4\(credentials.secretAccessKey)".utf8)
        for word in [String(stamp.prefix(8)), region, service, "aws4_request"] {
            key = HMACSHA256.code(of: word, key: key).bytes
        }
        return HMACSHA256.code(of: toSign, key: key).hexadecimal
    }

    private func scope(_ stamp: String) -> String { "\(stamp.prefix(8))/\(region)/\(service)/aws4_request" }

    static func canonical(_ request: Request) -> String {
        var lines = [request.method, request.path, encode(request.query)]
        for (name, value) in lowercased(request.fields) { lines.append("\(name):\(value)") }
        lines += ["", names(of: request.fields), request.payloadHash]
        return lines.joined(separator: "\n")
    }

    private static func names(of fields: [(name: String, value: String)]) -> String {
        lowercased(fields).map(\.name).joined(separator: ";")
    }

    /// Sorted by name; the values of a name that occurs more than once are joined, and runs of blanks are one.
    private static func lowercased(_ fields: [(name: String, value: String)]) -> [(name: String, value: String)] {
        var values: [String: [String]] = [:]
        for (name, value) in fields {
            let words = value.split(separator: " ", omittingEmptySubsequences: true)
            values[name.lowercased(), default: []].append(words.joined(separator: " "))
        }
        return values.sorted { $0.key < $1.key }.map { ($0.key, $0.value.joined(separator: ",")) }
    }
}
