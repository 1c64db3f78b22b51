/// A part of a representation, first and last byte included (RFC 9110 §14).
public struct ByteRange: Sendable, Hashable {
    /// Offset of the first byte.
    public var first: Int64
    /// Offset of the last byte.
    public var last: Int64

    /// - Parameters: offsets with `0 <= first <= last`.
    public init(first: Int64, last: Int64) {
        self.first = first
        self.last = last
    }

    /// How many bytes it has.
    public var count: Int64 { last - first + 1 }

    /// The value of `Content-Range` for it.
    public func contentRange(of size: Int64) -> String { "bytes \(first)-\(last)/\(size)" }

    /// The value of `Content-Range` of a 416.
    public static func unsatisfiedContentRange(of size: Int64) -> String { "bytes */\(size)" }

    /// What a Range field asks for.
    public enum Request: Sendable, Hashable {
        /// There was no Range field.
        case whole
        /// One satisfiable range: answer 206.
        case range(ByteRange)
        /// The range starts behind the end: answer 416.
        case unsatisfiable
        /// Another unit, several ranges or bad syntax: a server may ignore these (RFC 9110 §14.2); answer 200.
        case ignored
    }

    /// Reads a Range field.
    /// - Parameters:
    ///   - rangeHeader: the field's value, nil without one.
    ///   - size: bytes of the whole representation.
    /// - Returns: what to answer with.
    public static func parse(_ rangeHeader: String?, size: Int64) -> Request {
        guard let rangeHeader else { return .whole }
        let value = ASCII.trimmed(rangeHeader[...])
        guard value.utf8.count > 6, ASCII.equalIgnoringCase(value.prefix(6), "bytes=") else { return .ignored }
        let specification = ASCII.trimmed(value.dropFirst(6))
        guard let hyphen = specification.utf8.firstIndex(of: ASCII.hyphen) else { return .ignored }
        let start = specification[..<hyphen]
        let end = specification[specification.utf8.index(after: hyphen)...]
        if start.isEmpty { return suffix(end, size: size) }
        guard let first = number(start) else { return .ignored }
        var last = Int64.max
        if !end.isEmpty {
            guard let number = number(end), number >= first else { return .ignored }
            last = number
        }
        guard first < size else { return .unsatisfiable }
        return .range(ByteRange(first: first, last: min(last, size - 1)))
    }

    private static func suffix(_ text: Substring, size: Int64) -> Request {
        guard let count = number(text) else { return .ignored }
        guard count > 0, size > 0 else { return .unsatisfiable }
        return .range(ByteRange(first: max(0, size - count), last: size - 1))
    }

    // Digits only: `Int64("+5")` would be a number. What doesn't fit is as good as the largest number.
    private static func number(_ text: Substring) -> Int64? {
        guard !text.isEmpty, text.utf8.allSatisfy(ASCII.isDigit) else { return nil }
        return Int64(text) ?? Int64.max
    }
}
