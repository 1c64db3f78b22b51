/// Why there is no inventory: everything that is wrong, at once.
public struct InventoryError: Error, Sendable, CustomStringConvertible {
    /// A closed set: safe as a metric label.
    public enum Code: String, Sendable {
        /// The file can't be read, or isn't text.
        case unreadable
        /// The file has mistakes.
        case invalid
        /// The file has no mistake, but asks for what isn't built yet.
        case notSupported
    }

    /// What kind of failure it is.
    public var code: Code
    /// At least one, in the order of the file.
    public var problems: [InventoryProblem]

    /// One line a problem.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
