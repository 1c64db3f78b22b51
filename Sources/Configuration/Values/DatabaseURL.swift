public import Observability

/// Where the routing record is kept.
public enum DatabaseURL: Sendable, Equatable {
    /// The embedded default, for one gateway: the file's path.
    case sqlite(path: String)
    /// For several replicas: a libpq URL, which may hold a password.
    case postgresql(url: Secret)

    /// For people: without a password.
    public var masked: String {
        switch self {
        case .sqlite(let path): "sqlite:\(path)"
        case .postgresql(let url): Self.mask(url.reveal())
        }
    }

    /// Whether a URL holds a password, in its credentials or as a parameter.
    static func hasPassword(_ url: String) -> Bool { mask(url) != url }

    private static func mask(_ url: String) -> String {
        guard let start = url.range(of: "://")?.upperBound else { return "***" }
        let rest = url[start...]
        let query = rest.firstIndex(of: "?") ?? rest.endIndex
        var head = rest[..<query]
        // A password may hold a slash or an at sign: all up to the last at sign before the query is credentials.
        if let end = head.lastIndex(of: "@"), let colon = head[..<end].firstIndex(of: ":") {
            head = "\(head[..<colon]):***\(head[end...])"
        }
        let parameters = rest[query...].split(separator: "&", omittingEmptySubsequences: false).map { parameter in
            let name = parameter.prefix { $0 != "=" }
            return name.lowercased().contains("pass") ? "\(name)=***" : String(parameter)
        }
        return url[..<start] + head + parameters.joined(separator: "&")
    }
}

extension StringProtocol {
    /// The first place of some text.
    func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
