/// How large a document may be.
public struct YAMLLimits: Sendable {
    /// Bytes of text.
    public var bytes: Int
    /// Nodes after aliases were replaced; small files can't grow into large trees.
    public var nodes: Int
    /// Lists and mappings inside each other.
    public var depth: Int

    /// Enough for an inventory of thousands of backends.
    public init(bytes: Int = 4 << 20, nodes: Int = 200_000, depth: Int = 32) {
        self.bytes = bytes
        self.nodes = nodes
        self.depth = depth
    }
}
