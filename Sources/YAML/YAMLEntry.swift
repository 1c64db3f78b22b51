/// A key of a mapping and its value.
public struct YAMLEntry: Sendable, Equatable {
    /// The key's text.
    public var key: String
    /// Where the key is.
    public var location: SourceLocation
    /// What it is set to.
    public var value: YAMLNode

    /// An entry by its parts.
    public init(_ key: String, at location: SourceLocation, _ value: YAMLNode) {
        self.key = key
        self.location = location
        self.value = value
    }
}
