import Glibc

/// Hosts and ports in untrusted text.
enum HostText {
    /// Splits `HOST`, `HOST:PORT`, `[IPV6]` or `[IPV6]:PORT`.
    ///
    /// - Returns: nil where the host isn't one or the port isn't a number up to 65535. The host has no brackets.
    static func split(_ text: String) -> (host: String, port: UInt16?)? {
        let host: Substring
        var rest: Substring
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<end]
            rest = text[text.index(after: end)...]
            guard address(String(host))?.count == 16 else { return nil }
        } else {
            host = text.prefix { $0 != ":" }
            rest = text[host.endIndex...]
            guard isName(host) else { return nil }
        }
        guard !rest.isEmpty else { return (String(host), nil) }
        guard rest.removeFirst() == ":", rest.utf8.count <= 5, rest.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = UInt16(rest)
        else { return nil }
        return (String(host), port)
    }

    /// The 4 or 16 bytes of an IP address.
    static func address(_ text: String) -> [UInt8]? {
        guard text.utf8.count < 64, !text.utf8.contains(0) else { return nil }
        for (family, size) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: size)
            if inet_pton(family, text, &bytes) == 1 { return bytes }
        }
        return nil
    }

    private static func isName(_ text: Substring) -> Bool {
        let allowed = text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || [0x2D, 0x2E, 0x5F].contains($0)
        }
        return allowed && (1...253).contains(text.utf8.count) && !text.hasPrefix(".") && !text.hasPrefix("-")
    }
}
