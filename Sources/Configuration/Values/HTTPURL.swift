/// An http or https URL without credentials and fragment.
public struct HTTPURL: Sendable, Hashable, CustomStringConvertible {
    /// As the file spells it.
    public let description: String
    /// https rather than http.
    public let isSecure: Bool
    /// Without brackets, in lower case.
    public let host: String
    /// The given one, or 80, or 443.
    public let port: UInt16
    /// From the first slash to the query, without slashes at its end; may be empty.
    public let path: String
    /// What follows the question mark.
    public let query: String?

    /// Parses a URL; nil where it isn't one, has another scheme, credentials, a fragment, or no host.
    public init?(_ text: String) {
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !Self.forbidden.contains($0) }) else { return nil }
        let lower = text.lowercased()
        guard let scheme = ["http://", "https://"].first(where: lower.hasPrefix) else { return nil }
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard let (host, port) = HostText.split(String(authority)), port != 0 else { return nil }
        let tail = rest[authority.endIndex...]
        var path = tail.prefix { $0 != "?" }
        query = path.endIndex < tail.endIndex ? String(tail[path.endIndex...].dropFirst()) : nil
        while path.hasSuffix("/") { path.removeLast() }
        description = text
        isSecure = scheme == "https://"
        self.host = host.lowercased()
        self.port = port ?? (isSecure ? 443 : 80)
        self.path = String(path)
    }

    /// The root of an https server whose name is known to be one.
    init(secureHost host: String) {
        description = "https://\(host)"
        isSecure = true
        self.host = host
        port = 443
        path = ""
        query = nil
    }

    /// Scheme, host and port, as a browser's Origin header spells them.
    public var origin: String {
        let name = host.contains(":") ? "[\(host)]" : host
        let isUsual = port == (isSecure ? 443 : 80)
        return "\(isSecure ? "https" : "http")://\(name)\(isUsual ? "" : ":\(port)")"
    }

    /// `#` and `@`, and what is never allowed bare: `"<>\^{|}` and the backtick.
    private static let forbidden = Array("#@\"<>\\^`{|}".utf8)
}
