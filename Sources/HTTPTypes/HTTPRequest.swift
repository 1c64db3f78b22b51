/// The head of a request.
///
/// A parsed one keeps the head's bytes; texts are made when they are asked for.
public struct HTTPRequest: Sendable {
    /// The method.
    public var method: HTTPMethod
    /// 1 for HTTP/1.1, 0 for HTTP/1.0.
    public var minorVersion: Int
    /// The fields.
    public var fields: HTTPFields
    private let head: [UInt8]
    private let targetRange: Range<Int>
    private let pathRange: Range<Int>
    private let authorityRange: Range<Int>?

    /// A request written down by the program; `target` is path and query as they would be sent, or an absolute form.
    public init(_ method: HTTPMethod, _ target: String, minorVersion: Int = 1, fields: HTTPFields = [:]) {
        let bytes = Array(target.utf8)
        self.init(
            method: method, head: bytes, target: 0..<bytes.count, minorVersion: minorVersion, fields: fields)
    }

    /// A parsed request.
    ///
    /// `head` holds the target's bytes; best it is the array that `fields` adopted, so that there is one copy.
    public init(method: HTTPMethod, head: [UInt8], target: Range<Int>, minorVersion: Int, fields: HTTPFields) {
        self.method = method
        self.minorVersion = minorVersion
        self.fields = fields
        self.head = head
        targetRange = target
        (authorityRange, pathRange) = Self.split(head, target)
    }

    /// Where authority and path lie: `http://authority/path?query` (RFC 9112 §3.2.2) or `/path?query`.
    private static func split(_ head: [UInt8], _ target: Range<Int>) -> (authority: Range<Int>?, path: Range<Int>) {
        head.withUnsafeBufferPointer { bytes in
            var start = target.lowerBound
            var authority: Range<Int>?
            if start < target.upperBound, bytes[start] != ASCII.slash, let scheme = schemeLength(bytes, target) {
                start += scheme
                let authorityStart = start
                while start < target.upperBound, bytes[start] != ASCII.slash, bytes[start] != ASCII.question {
                    start += 1
                }
                authority = authorityStart..<start
            }
            let rest = UnsafeBufferPointer(rebasing: bytes[start..<target.upperBound])
            return (authority, start..<start + (rest.position(of: ASCII.question) ?? rest.count))
        }
    }

    private static func schemeLength(_ bytes: UnsafeBufferPointer<UInt8>, _ target: Range<Int>) -> Int? {
        for scheme in ["http://", "https://"] as [StaticString] {
            let length = scheme.utf8CodeUnitCount
            guard target.count >= length else { continue }
            let start = UnsafeBufferPointer(rebasing: bytes[target.lowerBound..<target.lowerBound + length])
            let wanted = UnsafeBufferPointer(start: scheme.utf8Start, count: length)
            if ASCII.equalIgnoringCase(start, wanted) { return length }
        }
        return nil
    }

    /// The target as it was sent.
    public var target: String { text(targetRange) }

    /// The path as it was sent, still percent-encoded, without the query; `/` when an absolute form has none.
    public var path: String { pathRange.isEmpty ? "/" : text(pathRange) }

    /// What follows the first `?`, still encoded; nil without one.
    public var query: String? { queryRange.map(text) }

    /// The host asked for: the target's in absolute form, which then goes before the Host field (RFC 9112 §3.2.2).
    public var authority: String? { authorityRange.map(text) ?? fields[.host] }

    /// Calls `body` with the path's bytes as they were sent; empty when an absolute form has no path.
    @inline(__always)
    public func withPathBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        head.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[pathRange])) }
    }

    /// The first query item of that name, percent-decoded, `+` as a blank; an item without `=` is "".
    public func queryItem(_ name: String) -> String? {
        withQueryItem(name) { value in value.map { String(decoding: $0, as: UTF8.self) } }
    }

    /// Calls `body` with what `queryItem` would return, making no text of it.
    public func withQueryItem<Result>(_ name: String, _ body: (UnsafeBufferPointer<UInt8>?) -> Result) -> Result {
        guard let range = queryRange else { return body(nil) }
        return head.withUnsafeBufferPointer { bytes in
            FormURLEncoded.withFirstValue(of: name, in: UnsafeBufferPointer(rebasing: bytes[range]), body)
        }
    }

    /// All query items in order, decoded as a form's.
    public var queryItems: [FormURLEncoded.Item] {
        guard let range = queryRange else { return [] }
        return FormURLEncoded.parse(head[range])
    }

    private var queryRange: Range<Int>? {
        pathRange.upperBound < targetRange.upperBound ? pathRange.upperBound + 1..<targetRange.upperBound : nil
    }

    private func text(_ range: Range<Int>) -> String { String(decoding: head[range], as: UTF8.self) }
}
