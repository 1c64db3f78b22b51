/// One element of a small XML document, with its children. Attributes and namespaces don't matter to S3's answers.
struct XMLElement: Sendable, Equatable {
    /// Without a prefix.
    var name: String
    /// The text directly inside, as it stands.
    var text = ""
    /// In their order.
    var children: [XMLElement] = []

    /// The first child of a name.
    subscript(_ name: String) -> XMLElement? { children.first { $0.name == name } }

    /// The text of the first child of a name.
    func text(of name: String) -> String? { self[name]?.text }

    /// All children of a name.
    func all(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }

    /// A text between tags.
    static func escape(_ text: String) -> String {
        var output = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": output += "&amp;"
            case "<": output += "&lt;"
            case ">": output += "&gt;"
            case "\"": output += "&quot;"
            // A parser would read a bare one as a line feed or a blank.
            case "\r", "\n", "\t": output += "&#\(scalar.value);"
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output
    }
}
