/// What is to be printed as YAML.
public indirect enum YAMLValue: Sendable, Equatable {
    /// Nothing.
    case null
    /// A number, a truth value or a word that needs no quotes; printed as it is.
    case plain(String)
    /// Any text; quoted where it could be read as something else.
    case text(String)
    /// A list.
    case list([YAMLValue])
    /// Keys and values, in order.
    case mapping([(key: String, value: YAMLValue)])

    /// Equal in content and order.
    public static func == (left: YAMLValue, right: YAMLValue) -> Bool { left.printed() == right.printed() }

    /// The value as a block of YAML, with a newline at its end.
    public func printed() -> String {
        var text = ""
        switch self {
        case .mapping(let entries) where !entries.isEmpty: Self.print(entries, indent: "", to: &text)
        case .list(let values) where !values.isEmpty: Self.print(values, indent: "", to: &text)
        default: text = "\(inline)\n"
        }
        return text
    }

    private static func print(_ entries: [(key: String, value: YAMLValue)], indent: String, to text: inout String) {
        for (key, value) in entries {
            text += "\(indent)\(quoted(key)):"
            switch value {
            case .mapping(let inner) where !inner.isEmpty:
                text += "\n"
                print(inner, indent: indent + "  ", to: &text)
            case .list(let values) where !values.allSatisfy(\.isScalar):
                text += "\n"
                print(values, indent: indent + "  ", to: &text)
            default: text += " \(value.inline)\n"
            }
        }
    }

    private static func print(_ values: [YAMLValue], indent: String, to text: inout String) {
        for value in values {
            guard case .mapping(let entries) = value, !entries.isEmpty else {
                text += "\(indent)- \(value.inline)\n"
                continue
            }
            var block = ""
            print(entries, indent: indent + "  ", to: &block)
            text += "\(indent)- \(block.dropFirst(indent.count + 2))"
        }
    }

    private var isScalar: Bool {
        switch self {
        case .null, .plain, .text: true
        case .list, .mapping: false
        }
    }

    private var inline: String {
        switch self {
        case .null: "null"
        case .plain(let text): text
        case .text(let text): Self.quoted(text)
        case .list(let values): "[\(values.map(\.inline).joined(separator: ", "))]"
        case .mapping(let entries):
            "{\(entries.map { "\(Self.quoted($0.key)): \($0.value.inline)" }.joined(separator: ", "))}"
        }
    }

    /// Bare where every reader takes it for text, else between quotes.
    private static func quoted(_ text: String) -> String {
        let isBare = text.utf8.allSatisfy { isWord($0) || [0x2D, 0x2E, 0x2F, 0x3A, 0x40].contains($0) }
        let first = text.utf8.first ?? 0
        let words = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
        if isBare, isLetter(first) || first == 0x2F, text.utf8.last != 0x3A, !words.contains(text.lowercased()) {
            return text
        }
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            default:
                if scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) {
                    let digits = String(scalar.value, radix: 16)
                    result += "\\x" + (digits.count < 2 ? "0" : "") + digits
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result + "\""
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
    private static func isWord(_ byte: UInt8) -> Bool {
        isLetter(byte) || (0x30...0x39).contains(byte) || byte == 0x5F
    }
}
