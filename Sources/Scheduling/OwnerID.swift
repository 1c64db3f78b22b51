/// Whose task it is: the name of a token. Tasks without one share the empty name.
public struct OwnerID: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The token's name in the inventory or the record; never the token.
    public let string: String
    /// Wraps a name.
    public init(_ name: String) { string = name }
    /// By text.
    public static func < (left: OwnerID, right: OwnerID) -> Bool { left.string < right.string }
    /// The name.
    public var description: String { string }
}
