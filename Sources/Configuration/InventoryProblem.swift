public import YAML

/// One thing in an inventory that is wrong, or that shouldn't stay so.
public struct InventoryProblem: Sendable, Hashable, CustomStringConvertible {
    /// The file, as its user named it.
    public var file: String
    /// The place in it; nil where it concerns all of it.
    public var location: SourceLocation?
    /// One sentence for people.
    public var message: String

    /// Every part is given.
    public init(file: String, location: SourceLocation?, message: String) {
        self.file = file
        self.location = location
        self.message = message
    }

    /// `FILE:LINE:COLUMN: message`.
    public var description: String {
        location.map { "\(file):\($0): \(message)" } ?? "\(file): \(message)"
    }
}
