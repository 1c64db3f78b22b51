internal import HTTPTypes

/// The fields that belong to one connection and must not be passed on (RFC 9110 §7.6.1), in either direction.
public enum HopByHopFields {
    /// Whether a field is one of them by its name alone; a Connection field may name more.
    /// - Parameter name: as it was written, in any case.
    /// - Returns: true for a field that is not passed on.
    public static func contains(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        switch name.count {
        case 2: ASCII.spells(name, "te")
        case 7: ASCII.spells(name, "trailer") || ASCII.spells(name, "upgrade")
        case 10: ASCII.spells(name, "connection") || ASCII.spells(name, "keep-alive")
        case 16: ASCII.spells(name, "proxy-connection")
        case 17: ASCII.spells(name, "transfer-encoding")
        case 18: ASCII.spells(name, "proxy-authenticate")
        case 19: ASCII.spells(name, "proxy-authorization")
        default: false
        }
    }

    /// Whether a request's field is not passed upstream: hop-by-hop, or written by the relay itself.
    static func isWithheldFromUpstream(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        switch name.count {
        case 4: ASCII.spells(name, "host")
        case 6: ASCII.spells(name, "expect")
        case 14: ASCII.spells(name, "content-length")
        default: contains(name)
        }
    }

    /// The names that a Connection field lists beside `close` and `keep-alive`.
    static func named(by connection: String) -> [HTTPField.Name] {
        connection.split(separator: ",").compactMap { part in
            let word = ASCII.trimmed(part)
            if ASCII.equalIgnoringCase(word, "close") || ASCII.equalIgnoringCase(word, "keep-alive") { return nil }
            return HTTPField.Name(String(word))
        }
    }
}
