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

    /// The items as a query or body.
    public static func encode(_ items: [Item]) -> String {
        items.map { "\(PercentEncoding.encode($0.name))=\(PercentEncoding.encode($0.value))" }.joined(separator: "&")
    }
}
