/// A Content-Disposition such as `form-data; name="images"; filename="a.jpg"` (RFC 6266, RFC 7578).
public struct ContentDisposition: Sendable, Hashable {
    /// The main word, in lower case: `form-data`, `attachment`.
    public var type: String
    /// The parameters, names in lower case, values without their quotes.
    public var parameters: [FieldParameter]

    /// Reads the field; nil when there is no main word.
    public init?(_ text: String) {
        var scanner = FieldValueScanner(text)
        guard let type = scanner.token() else { return nil }
        self.type = ASCII.lowercased(type)
        parameters = scanner.parameters()
    }

    /// The form field's name.
    public var name: String? { value(of: "name") }

    /// The file's name, from `filename*` if that can be read, else from `filename`.
    public var filename: String? { value(of: "filename") }

    private func value(of name: String) -> String? {
        let extended = "\(name)*"
        if let value = parameters.first(where: { $0.name == extended })?.value, let decoded = Self.extended(value) {
            return decoded
        }
        return parameters.first { $0.name == name }?.value
    }

    /// Decodes `charset'language'percent-encoded` (RFC 8187 §3.2); nil when broken or in another charset.
    private static func extended(_ value: String) -> String? {
        let parts = value.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let bytes = PercentEncoding.decodeBytes(parts[2].utf8) else { return nil }
        if ASCII.equalIgnoringCase(parts[0], "utf-8") { return String(validating: bytes, as: UTF8.self) }
        guard ASCII.equalIgnoringCase(parts[0], "iso-8859-1") else { return nil }
        return String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }
}
