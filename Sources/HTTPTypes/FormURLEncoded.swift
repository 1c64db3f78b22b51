/// Queries and bodies of type `application/x-www-form-urlencoded` (WHATWG URL §5).
public enum FormURLEncoded {
    /// One decoded item.
    public struct Item: Sendable, Hashable {
        /// The name, decoded.
        public var name: String
        /// The value, decoded; "" for an item without `=`.
        public var value: String

        /// An item.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// All items in order.
    ///
    /// Nothing is an error: a broken `%` stays as it is, empty items are skipped. Items beyond `limit` are dropped, so
    /// that memory stays bounded.
    public static func parse(_ bytes: some Collection<UInt8>, limit: Int = 1000) -> [Item] {
        var items: [Item] = []
        for part in bytes.split(separator: ASCII.ampersand) {
            guard items.count < limit else { break }
            let equals = part.firstIndex(of: ASCII.equals)
            let name = part[..<(equals ?? part.endIndex)]
            let value = equals.map { part[part.index(after: $0)...] }
            items.append(
                Item(
                    name: PercentEncoding.decodeLeniently(name, plusIsBlank: true),
                    value: value.map { PercentEncoding.decodeLeniently($0, plusIsBlank: true) } ?? ""))
        }
        return items
    }

    /// The first value of a name, without decoding the others.
    static func firstValue(of name: String, in bytes: UnsafeBufferPointer<UInt8>) -> String? {
        var start = 0
        while start < bytes.count {
            var end = start
            var equals: Int?
            while end < bytes.count, bytes[end] != ASCII.ampersand {
                if equals == nil, bytes[end] == ASCII.equals { equals = end }
                end += 1
            }
            let isNamed = start < end && spells(name, UnsafeBufferPointer(rebasing: bytes[start..<(equals ?? end)]))
            if isNamed {
                guard let equals else { return "" }
                let value = UnsafeBufferPointer(rebasing: bytes[(equals + 1)..<end])
                return PercentEncoding.decodeLeniently(value, plusIsBlank: true)
            }
            start = end + 1
        }
        return nil
    }

    private static func spells(_ name: String, _ encoded: UnsafeBufferPointer<UInt8>) -> Bool {
        if encoded.holds(ASCII.percent) || encoded.holds(ASCII.plus) {
            return PercentEncoding.decodeLeniently(encoded, plusIsBlank: true) == name
        }
        guard name.utf8.count == encoded.count else { return false }
        var index = 0
        for byte in name.utf8 {
            guard byte == encoded[index] else { return false }
            index += 1
        }
        return true
    }

    /// The items as a query or body.
    public static func encode(_ items: [Item]) -> String {
        items.map { "\(PercentEncoding.encode($0.name))=\(PercentEncoding.encode($0.value))" }.joined(separator: "&")
    }
}
