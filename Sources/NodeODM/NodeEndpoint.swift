internal import HTTPTypes

/// Where a node is, and the token it wants.
///
/// The description leaves the token out, so that an endpoint may stand in a log.
public struct NodeEndpoint: Sendable, Hashable, CustomStringConvertible {
    /// https rather than http.
    public var isTLS: Bool
    /// A name or a numeric address, an IPv6 one without brackets.
    public var host: String
    /// The port.
    public var port: UInt16
    /// In front of every path; empty, or with a slash at its start and none at its end.
    public var basePath: String
    /// The node's own token, sent as `?token=` (contract 5); nil or empty sends none.
    public var token: String?

    /// Every part is given.
    public init(isTLS: Bool = false, host: String, port: UInt16, basePath: String = "", token: String? = nil) {
        self.isTLS = isTLS
        self.host = host
        self.port = port
        self.basePath = basePath
        self.token = token
    }

    /// Scheme, host, port and base path.
    public var description: String {
        let literal = host.utf8.contains(ASCII.colon) ? "[\(host)]" : host
        return "\(isTLS ? "https" : "http")://\(literal):\(port)\(basePath)"
    }

    /// Path and query of a call.
    /// - Parameters:
    ///   - segments: of the path, not yet encoded; a slash inside one stays inside it.
    ///   - query: items beside the token.
    /// - Returns: what stands in a request line. Holds the token: never to be logged.
    public func target(_ segments: [String], query: [FormItem] = []) -> String {
        // As bytes, since each download asks: a text that grows piece by piece costs three times as much.
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256)
        bytes.append(contentsOf: basePath.utf8)
        for segment in segments {
            bytes.append(ASCII.slash)
            PercentEncoding.append(segment, to: &bytes)
        }
        var separator = ASCII.question
        for item in query { Self.append(item.name, item.value, behind: &separator, to: &bytes) }
        if let token, !token.isEmpty { Self.append("token", token, behind: &separator, to: &bytes) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What downloads ask for, in pieces that are made once for all of them.
    struct DownloadTargets: Sendable {
        private let beforeTask: [UInt8]
        private let afterTask: [UInt8]
        private let afterAsset: [UInt8]

        init(_ endpoint: NodeEndpoint) {
            let target = endpoint.target(["task"]).utf8
            let path = Array(target.prefix { $0 != ASCII.question })
            beforeTask = path + [ASCII.slash]
            afterTask = Array("/download/".utf8)
            afterAsset = Array(target.dropFirst(path.count))
        }

        /// Path and query of one. Holds the token: never to be logged.
        func target(of task: String, asset: String) -> String {
            var bytes: [UInt8] = []
            bytes.reserveCapacity(beforeTask.count + afterTask.count + afterAsset.count + 128)
            bytes.append(contentsOf: beforeTask)
            PercentEncoding.append(task, to: &bytes)
            bytes.append(contentsOf: afterTask)
            PercentEncoding.append(asset, to: &bytes)
            bytes.append(contentsOf: afterAsset)
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    private static func append(
        _ name: String, _ value: String, behind separator: inout UInt8, to bytes: inout [UInt8]
    ) {
        bytes.append(separator)
        separator = ASCII.ampersand
        PercentEncoding.append(name, to: &bytes)
        bytes.append(ASCII.equals)
        PercentEncoding.append(value, to: &bytes)
    }

    /// A name and a value in a query or an urlencoded body.
    public struct FormItem: Sendable, Hashable {
        var name: String
        var value: String

        /// An item, not yet encoded.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// A text with the token, should it occur, made unreadable.
    func redacting(_ text: String) -> String {
        guard let token, !token.isEmpty else { return text }
        return [token, PercentEncoding.encode(token)].reduce(text) { text, secret in
            text.split(separator: secret, omittingEmptySubsequences: false).joined(separator: "…")
        }
    }
}
