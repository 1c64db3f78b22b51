/// A request's method (RFC 9110 §9).
///
/// Methods are case-sensitive: `get` is `.other("get")`.
public enum HTTPMethod: Sendable, Hashable {
    case get, head, post, put, delete, options, patch
    /// Any other token.
    case other(String)

    /// The method of that name.
    public init(_ name: String) {
        self =
            switch name {
            case "GET": .get
            case "HEAD": .head
            case "POST": .post
            case "PUT": .put
            case "DELETE": .delete
            case "OPTIONS": .options
            case "PATCH": .patch
            default: .other(name)
            }
    }

    /// The method whose name these bytes are; no text is made for the known ones.
    public init(bytes: UnsafeBufferPointer<UInt8>) {
        for (word, method) in Self.known where word.utf8CodeUnitCount == bytes.count {
            guard Self.spells(word, bytes) else { continue }
            self = method
            return
        }
        self = .other(String(decoding: bytes, as: UTF8.self))
    }

    private static func spells(_ word: StaticString, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        for index in 0..<bytes.count where word.utf8Start[index] != bytes[index] { return false }
        return true
    }

    private static let known: [(StaticString, HTTPMethod)] = [
        ("GET", .get), ("POST", .post), ("HEAD", .head), ("PUT", .put), ("DELETE", .delete), ("OPTIONS", .options),
        ("PATCH", .patch),
    ]

    /// The name as it is sent.
    public var name: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .patch: "PATCH"
        case .other(let name): name
        }
    }
}
