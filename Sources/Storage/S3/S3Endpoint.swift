import HTTPTypes

/// Where an object store is reached.
public struct S3Endpoint: Sendable, Hashable, CustomStringConvertible {
    /// Whether it is reached over https.
    public let isSecure: Bool
    /// A name or address, IPv6 in brackets; of AWS the host without a region.
    public let host: String
    /// nil: the scheme's own.
    public let port: UInt16?
    /// Whether the host's name follows the region, as AWS's does.
    public let isAWS: Bool

    /// AWS, in any of its regions.
    public static let aws = S3Endpoint(isSecure: true, host: "s3.amazonaws.com", port: nil, isAWS: true)

    private init(isSecure: Bool, host: String, port: UInt16?, isAWS: Bool) {
        self.isSecure = isSecure
        self.host = host
        self.port = port
        self.isAWS = isAWS
    }

    /// Parses a URL without a path.
    /// - Parameter url: `https://s3.example.org` or `http://10.0.0.7:9000`; `s3.amazonaws.com` and `s3.REGION.amazonaws.com`
    ///   stand for AWS in whatever region a bucket is.
    /// - Throws: `.failed` for any other text.
    public init(url: String) throws(StorageError) {
        let malformed = StorageError(
            .failed, "\"\(url.prefix(120))\" is not the address of an object store: write http(s)://HOST[:PORT]")
        guard let scheme = ["https://", "http://"].first(where: { url.hasPrefix($0) }) else { throw malformed }
        var rest = url.dropFirst(scheme.count)
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        let afterBracket = rest.lastIndex(of: "]") ?? rest.startIndex
        let colon = rest[afterBracket...].lastIndex(of: ":") ?? rest.endIndex
        var number: UInt16?
        if colon < rest.endIndex {
            guard let parsed = UInt16(rest[rest.index(after: colon)...]), parsed > 0 else { throw malformed }
            number = parsed
        }
        let host = String(rest[..<colon]).lowercased()
        guard Self.isHost(host) else { throw malformed }
        let isSecure = scheme == "https://"
        // libcurl leaves the scheme's own port out of Host, and what is signed must be what is sent.
        let port = number == (isSecure ? 443 : 80) ? nil : number
        let isAWS = isSecure && port == nil && Self.isOfAWS(host)
        self.init(isSecure: isSecure, host: isAWS ? Self.aws.host : host, port: port, isAWS: isAWS)
    }

    private static func isHost(_ host: String) -> Bool {
        if host.hasPrefix("["), host.hasSuffix("]") {
            return host.utf8.dropFirst().dropLast().allSatisfy {
                ASCII.hexValue($0) != nil || $0 == ASCII.colon || $0 == 0x2E
            }
        }
        return !host.isEmpty && host.utf8.count <= 253
            && host.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
                default: false
                }
            }
    }

    private static func isOfAWS(_ host: String) -> Bool {
        guard host.hasPrefix("s3."), host.hasSuffix(".amazonaws.com") else { return false }
        return host == aws.host || !host.dropFirst(3).dropLast(14).contains(".")
    }

    /// The URL.
    public var description: String {
        (isSecure ? "https://" : "http://") + host + (port.map { ":\($0)" } ?? "")
    }

    /// Where a bucket, or an object of it, is.
    /// - Parameters:
    ///   - bucket: checked before.
    ///   - key: nil for the bucket itself.
    ///   - region: decides AWS's host.
    ///   - pathStyle: whether the bucket stands in the path; nil: it does everywhere but at AWS, and there where a dot in its
    ///     name would break the certificate's wildcard.
    /// - Returns: what is connected to, and signed.
    func address(bucket: String, key: String?, region: String, pathStyle: Bool?) -> S3Address {
        let usesPath = pathStyle ?? (!isAWS || bucket.contains("."))
        var authority = isAWS ? "s3.\(region).amazonaws.com" : host
        if let port { authority += ":\(port)" }
        if !usesPath { authority = bucket + "." + authority }
        var path = usesPath ? "/" + bucket : ""
        if let key { path += "/" + PercentEncoding.encode(key, keeping: "/") }
        return S3Address(scheme: isSecure ? "https" : "http", authority: authority, path: path.isEmpty ? "/" : path)
    }
}

/// The parts of a URL that a signature covers, as they are sent.
struct S3Address: Equatable {
    var scheme: String
    /// What libcurl sends as Host.
    var authority: String
    /// Percent-encoded.
    var path: String
}
