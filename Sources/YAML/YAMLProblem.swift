/// One thing that is wrong in a file, and where.
public struct YAMLProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// A closed set: safe as a metric label.
    public enum Code: String, Sendable {
        /// Not YAML at all.
        case syntax
        /// YAML that this parser refuses: a second document, a tag, a key that isn't text.
        case unsupported
        /// Larger or deeper than the limits.
        case limit
        /// The same key twice in a mapping.
        case duplicateKey
        /// A key that nobody knows.
        case unknownKey
        /// A value that isn't what its key wants, or a key that is missing.
        case value
    }

    /// What kind of problem it is.
    public var code: Code
    /// Where it is.
    public var location: SourceLocation
    /// One sentence for people.
    public var message: String

    /// Every part is given.
    public init(_ code: Code, at location: SourceLocation, _ message: String) {
        self.code = code
        self.location = location
        self.message = message
    }

    /// `LINE:COLUMN: message`.
    public var description: String { "\(location): \(message)" }
}
