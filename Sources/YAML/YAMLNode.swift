/// One node of a document, with its place.
public struct YAMLNode: Sendable, Equatable {
    /// What a node can be.
    public enum Content: Sendable, Equatable {
        /// Text, a number, null, …: what it means depends on who reads it.
        case scalar(YAMLScalar)
        /// A list.
        case sequence([YAMLNode])
        /// Keys and values, in the order of the file.
        case mapping([YAMLEntry])
    }

    /// Where it starts.
    ///
    /// An alias shows the place of what it stands for.
    public var location: SourceLocation
    /// What it is.
    public var content: Content

    /// A node by its parts.
    public init(_ content: Content, at location: SourceLocation) {
        self.content = content
        self.location = location
    }

    /// Whether it says nothing: `null`, `~`, or an empty place.
    public var isNull: Bool {
        if case .scalar(let scalar) = content { return scalar.isNull }
        return false
    }

    /// The entry of a key, where the node is a mapping that has it.
    public func entry(_ key: String) -> YAMLEntry? {
        guard case .mapping(let entries) = content else { return nil }
        return entries.first { $0.key == key }
    }

    /// Its elements, where it is a list.
    public var elements: [YAMLNode] {
        if case .sequence(let nodes) = content { return nodes }
        return []
    }

    /// The same tree with every scalar replaced by what a closure makes of it.
    ///
    /// Keys stay as they are.
    public func mapScalars(_ transform: (YAMLScalar, SourceLocation) -> YAMLScalar) -> YAMLNode {
        switch content {
        case .scalar(let scalar): YAMLNode(.scalar(transform(scalar, location)), at: location)
        case .sequence(let nodes): YAMLNode(.sequence(nodes.map { $0.mapScalars(transform) }), at: location)
        case .mapping(let entries):
            YAMLNode(
                .mapping(entries.map { YAMLEntry($0.key, at: $0.location, $0.value.mapScalars(transform)) }),
                at: location)
        }
    }
}
