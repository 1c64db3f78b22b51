import YAML

/// How an element of a list is called in messages: by its name where it has one, else by its place.
enum ListItem {
    static func label(of node: YAMLNode, at index: Int) -> String {
        if case .scalar(let scalar)? = node.entry("name")?.value.content, !scalar.isReplaced, !scalar.isNull,
            scalar.text.utf8.count <= 63
        {
            return scalar.text
        }
        return "\(index)"
    }
}
