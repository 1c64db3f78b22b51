import YAML

/// THE list of what the file may say and this version doesn't do.
///
/// These keys are known and their values are checked; a value other than the default is refused. Whoever builds one of
/// them deletes its line.
enum NotSupportedYet {
    /// Which values are refused.
    enum Values {
        /// Everything but null, an empty list and empty keys and values.
        case any
        /// Only these.
        case only([String])
    }

    static let keys: [(path: [String], refused: Values)] = [
        (["tls"], .any),
        (["public_address"], .any),
        (["trusted_proxies"], .any),
        (["auth", "provider_url"], .any),
    ]

    private static let ending = "not supported yet"

    /// Whether a problem is of this list, so that a file has no real mistake.
    static func isOne(_ problem: YAMLProblem) -> Bool {
        problem.code == .unsupported && problem.message.hasSuffix(ending)
    }

    /// The refused values of a file.
    static func problems(in root: YAMLNode) -> [YAMLProblem] {
        keys.flatMap { key in
            nodes(at: key.path[...], in: root, named: "").compactMap { name, node in
                guard refuses(node, key.refused) else { return nil }
                return YAMLProblem(.unsupported, at: node.location, "\(name): \(value(node))\(ending)")
            }
        }
    }

    private static func nodes(
        at path: ArraySlice<String>, in node: YAMLNode, named name: String
    ) -> [(String, YAMLNode)] {
        guard let key = path.first else { return [(name, node)] }
        if key == "*" {
            return node.elements.enumerated().flatMap { index, element in
                nodes(at: path.dropFirst(), in: element, named: "\(name)[\(ListItem.label(of: element, at: index))]")
            }
        }
        guard let entry = node.entry(key) else { return [] }
        return nodes(at: path.dropFirst(), in: entry.value, named: name.isEmpty ? key : "\(name).\(key)")
    }

    private static func refuses(_ node: YAMLNode, _ values: Values) -> Bool {
        guard case .scalar(let scalar) = node.content else { return !node.isEmpty }
        if scalar.isBroken || scalar.isNull { return false }
        switch values {
        case .any: return true
        case .only(let words): return words.contains(scalar.text)
        }
    }

    private static func value(_ node: YAMLNode) -> String {
        guard case .scalar = node.content else { return "" }
        return "\(YAMLDecoder.describe(node)) is "
    }
}

extension YAMLNode {
    /// Whether it says nothing, or is a list or mapping without content.
    fileprivate var isEmpty: Bool {
        switch content {
        case .scalar(let scalar): scalar.isNull
        case .sequence(let nodes): nodes.isEmpty
        case .mapping(let entries): entries.isEmpty
        }
    }
}
