internal import HTTPTypes

/// The fields that belong to one connection and must not be passed on (RFC 9110 §7.6.1), in either direction.
public enum HopByHopFields {
    /// Whether a field is one of them by its name alone; a Connection field may name more.
    /// - Parameter name: as it was written, in any case.
    /// - Returns: true for a field that is not passed on.
    public static func contains(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        switch name.count {
        case 2: spells(name, "te")
        case 7: spells(name, "trailer") || spells(name, "upgrade")
        case 10: spells(name, "connection") || spells(name, "keep-alive")
        case 16: spells(name, "proxy-connection")
        case 17: spells(name, "transfer-encoding")
        case 18: spells(name, "proxy-authenticate")
        case 19: spells(name, "proxy-authorization")
        default: false
        }
    }

    /// Whether a request's field is not passed upstream: hop-by-hop, or written by the relay itself.
    static func isWithheldFromUpstream(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        switch name.count {
        case 4: spells(name, "host")
        case 6: spells(name, "expect")
        case 14: spells(name, "content-length")
        default: contains(name)
        }
    }

    /// Compares a name with one in lower case, without regard to the case of the first.
    static func spells(_ name: UnsafeBufferPointer<UInt8>, _ lowercase: StaticString) -> Bool {
        guard name.count == lowercase.utf8CodeUnitCount else { return false }
        let word = lowercase.utf8Start
        for index in 0..<name.count where ASCII.lowercased(name[index]) != word[index] { return false }
        return true
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
