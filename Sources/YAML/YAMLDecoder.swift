/// Reads typed values out of nodes and gathers everything that is wrong, so that all of it can be told at once.
public final class YAMLDecoder {
    /// What is wrong, in the order of finding.
    public private(set) var problems: [YAMLProblem]
    /// What works and shouldn't stay so.
    public private(set) var warnings: [YAMLProblem] = []
    private var path: [String] = []

    /// - Parameter problems: what was found before, such as the parser's.
    public init(problems: [YAMLProblem] = []) { self.problems = problems }

    /// Keeps a problem.
    ///
    /// The message is preceded by the keys that lead to it.
    public func report(_ message: String, at location: SourceLocation, code: YAMLProblem.Code = .value) {
        problems.append(YAMLProblem(code, at: location, prefixed(message)))
    }

    /// Keeps a warning.
    public func warn(_ message: String, at location: SourceLocation) {
        warnings.append(YAMLProblem(.value, at: location, prefixed(message)))
    }

    /// Does something on the level below a key; problems found there name it.
    public func inside<Result>(_ key: String, _ body: () -> Result) -> Result {
        path.append(key)
        defer { path.removeLast() }
        return body()
    }

    /// Keeps "expected …, found …".
    public func mismatch(_ node: YAMLNode, expected: String) {
        report("expected \(expected), found \(Self.describe(node))", at: node.location)
    }

    /// Reads one scalar.
    /// - Parameters:
    ///   - node: where it should be.
    ///   - expected: what it should be, for the message.
    ///   - parse: nil where it isn't that.
    /// - Returns: nil after the problem was kept.
    public func scalar<Value>(_ node: YAMLNode, expected: String, _ parse: (YAMLScalar) -> Value?) -> Value? {
        if case .scalar(let scalar) = node.content {
            guard !scalar.isBroken else { return nil }
            if !scalar.isNull, let value = parse(scalar) { return value }
        }
        mismatch(node, expected: expected)
        return nil
    }

    /// The elements of a list; null is an empty one.
    public func sequence(_ node: YAMLNode, expected: String = "a list") -> [YAMLNode]? {
        if case .sequence(let nodes) = node.content { return nodes }
        if node.isNull { return [] }
        mismatch(node, expected: expected)
        return nil
    }

    /// The entries of a mapping; null is an empty one.
    public func mapping(_ node: YAMLNode, expected: String = "keys and values") -> [YAMLEntry]? {
        if case .mapping(let entries) = node.content { return entries }
        if node.isNull { return [] }
        mismatch(node, expected: expected)
        return nil
    }

    /// Keeps a problem for each key that isn't known, with a suggestion, or what is known.
    public func refuseUnknownKeys(in entries: [YAMLEntry], known: [String]) {
        for entry in entries where !known.contains(entry.key) {
            let help = Suggestion.help(for: entry.key, among: known)
            report("unknown key `\(Self.shortened(entry.key))`\(help)", at: entry.location, code: .unknownKey)
        }
    }

    /// What a node is, for "found …".
    ///
    /// The value of a replaced reference isn't shown: it may be a secret.
    public static func describe(_ node: YAMLNode) -> String {
        switch node.content {
        case .sequence: "a list"
        case .mapping: "keys and values"
        case .scalar(let scalar) where scalar.isReplaced: "the value of `\(shortened(scalar.source))`"
        case .scalar(let scalar) where scalar.isNull: "nothing"
        case .scalar(let scalar):
            scalar.isPlain ? "`\(shortened(scalar.text))`" : "the text `\"\(shortened(scalar.text))\"`"
        }
    }

    private func prefixed(_ message: String) -> String {
        guard !path.isEmpty else { return message }
        var keys = ""
        for key in path { keys += keys.isEmpty || key.hasPrefix("[") ? key : ".\(key)" }
        return "\(keys): \(message)"
    }

    /// Long or many-lined text in one short line.
    private static func shortened(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            guard result.unicodeScalars.count < 60 else { return result + "…" }
            result.unicodeScalars.append(scalar.properties.isWhitespace || scalar.value < 0x20 ? " " : scalar)
        }
        return result
    }
}
