/// Why no workflow can be made.
public struct ManifestError: Error, Sendable, CustomStringConvertible {
    /// A closed set: safe as a metric label and in a `switch`.
    public enum Code: String, Sendable, CaseIterable {
        /// What the inventory says can't be used: found at load.
        case inventory
        /// The task can't be described: its name, its image, its size.
        case task
    }

    /// What kind of failure it was.
    public var code: Code
    /// One sentence for people: what, and where.
    public var message: String

    /// Every part is given.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The sentence.
    public var description: String { message }
}
