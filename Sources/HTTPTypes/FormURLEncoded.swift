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

    /// Calls `body` with the first value of a name, decoded; nil where there is none. Copies nothing where nothing is encoded.
    static func withFirstValue<Result>(
        of name: String, in bytes: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>?) -> Result
    ) -> Result {
        var name = name
        guard let range = name.withUTF8({ firstRange(of: $0, in: bytes) }) else { return body(nil) }
        let value = UnsafeBufferPointer(rebasing: bytes[range])
        guard isEncoded(value) else { return body(value) }
        return PercentEncoding.decodeLenientlyToBytes(value, plusIsBlank: true).withUnsafeBufferPointer { body($0) }
    }

    /// Where the first value of a name lies; empty for an item without `=`.
    private static func firstRange(
        of name: UnsafeBufferPointer<UInt8>, in bytes: UnsafeBufferPointer<UInt8>
    ) -> Range<Int>? {
        var start = 0
        while start < bytes.count {
            let end = bytes.position(of: ASCII.ampersand, from: start) ?? bytes.count
            let item = UnsafeBufferPointer(rebasing: bytes[start..<end])
            let nameEnd = item.position(of: ASCII.equals) ?? item.count
            if nameEnd > 0, spells(name, UnsafeBufferPointer(rebasing: item[..<nameEnd])) {
                return min(start + nameEnd + 1, end)..<end
            }
            start = end + 1
        }
        return nil
    }

    private static func spells(_ name: UnsafeBufferPointer<UInt8>, _ encoded: UnsafeBufferPointer<UInt8>) -> Bool {
        guard isEncoded(encoded) else { return name.equals(encoded) }
        return PercentEncoding.decodeLenientlyToBytes(encoded, plusIsBlank: true).withUnsafeBufferPointer {
            name.equals($0)
        }
    }

    private static func isEncoded(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        bytes.hasAny { ASCII.bit($0 == ASCII.percent) | ASCII.bit($0 == ASCII.plus) }
    }

    /// The items as a query or body.
    public static func encode(_ items: [Item]) -> String {
        items.map { "\(PercentEncoding.encode($0.name))=\(PercentEncoding.encode($0.value))" }.joined(separator: "&")
    }
}
