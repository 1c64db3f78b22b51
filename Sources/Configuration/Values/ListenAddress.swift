/// Where the gateway listens: an IP address or a name, and a port.
public struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// Without brackets.
    public var host: String
    /// 0 lets the system choose.
    public var port: UInt16

    /// An address by its parts.
    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Parses `HOST:PORT` or `[IPV6]:PORT`.
    public init?(_ text: String) {
        guard let (host, port) = HostText.split(text), let port else { return nil }
        self.init(host: host, port: port)
    }

    /// Whether only this machine can reach it.
    public var isLoopback: Bool {
        if host.lowercased() == "localhost" { return true }
        let loopback = [Network("127.0.0.0/8"), Network("::1/128"), Network("::ffff:127.0.0.0/104")]
        return loopback.contains { $0?.contains(host) == true }
    }

    /// `HOST:PORT`, with brackets where they are needed.
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
