/// A media type such as `multipart/form-data; boundary=x` (RFC 9110 §8.3.1).
public struct MediaType: Sendable, Hashable {
    /// The type, in lower case: `multipart`.
    public var type: String
    /// The subtype, in lower case: `form-data`.
    public var subtype: String
    /// The parameters, names in lower case, values without their quotes.
    public var parameters: [FieldParameter]

    /// Reads a Content-Type, leaving out broken parameters; nil when there is no `type/subtype`.
    public init?(_ text: String) {
        var scanner = FieldValueScanner(text)
        guard let type = scanner.token(), scanner.skip(ASCII.slash), let subtype = scanner.token() else { return nil }
        self.type = ASCII.lowercased(type)
        self.subtype = ASCII.lowercased(subtype)
        parameters = scanner.parameters()
    }

    /// `type/subtype`, in lower case, without parameters.
    public var essence: String { "\(type)/\(subtype)" }

    /// The value of the parameter of that name, given in lower case.
    public func parameter(_ name: String) -> String? { parameters.first { $0.name == name }?.value }

    /// The boundary of a multipart body.
    public var boundary: String? { parameter("boundary") }
    /// The character set.
    public var charset: String? { parameter("charset") }
}

/// A `name=value` behind a field's main word.
public struct FieldParameter: Sendable, Hashable {
    /// The name, in lower case.
    public var name: String
    /// The value, without quotes.
    public var value: String
}
