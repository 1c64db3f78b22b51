/// The name of a backend, as the inventory gives it.
public struct BackendName: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// `[A-Za-z0-9][A-Za-z0-9._-]{0,62}`.
    public let string: String

    /// Parses a name of the inventory; nil where it isn't one.
    public init?(_ text: String) {
        guard text.utf8.count <= 63, TaskID(text) != nil else { return nil }
        string = text
    }

    /// A name that the record already holds.
    public init(recorded text: String) { string = text }

    /// By text.
    public static func < (left: BackendName, right: BackendName) -> Bool { left.string < right.string }
    /// As the inventory spells it.
    public var description: String { string }
}
