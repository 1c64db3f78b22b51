import Model
import Observability
import YAML

/// How a value stands in the file: how it is read, and how it is printed.
struct Format<Value> {
    /// nil where it isn't right, which was reported.
    let read: (YAMLNode, InventoryReader) -> Value?
    let print: (Value, SecretDisplay) -> YAMLValue

    init(
        read: @escaping (YAMLNode, InventoryReader) -> Value?, print: @escaping (Value, SecretDisplay) -> YAMLValue
    ) {
        self.read = read
        self.print = print
    }

    /// A value that stands in one scalar.
    init(_ expected: String, parse: @escaping (String) -> Value?, print: @escaping (Value) -> YAMLValue) {
        read = { node, reader in reader.decoder.scalar(node, expected: expected) { parse($0.text) } }
        self.print = { value, _ in print(value) }
    }

    /// Null gives nil.
    static func optional<Wrapped>(_ format: Format<Wrapped>) -> Format where Value == Wrapped? {
        Format(
            read: { node, reader in node.isNull ? .some(nil) : format.read(node, reader).map { .some($0) } },
            print: { value, display in value.map { format.print($0, display) } ?? .null })
    }

    /// A list.
    /// - Parameters:
    ///   - format: of its elements.
    ///   - keys: what no two elements may have in common, without regard to case.
    /// - Returns: the format of the list.
    static func list<Element>(_ format: Format<Element>, unique keys: [String] = []) -> Format
    where Value == [Element] {
        Format(
            read: { node, reader in
                guard let nodes = reader.decoder.sequence(node) else { return nil }
                for key in keys { Self.refuseDuplicates(of: key, in: nodes, reader) }
                let values = nodes.enumerated().map { index, element in
                    reader.decoder.inside("[\(ListItem.label(of: element, at: index))]") {
                        format.read(element, reader)
                    }
                }
                return values.compactMap { $0 }
            },
            print: { values, display in .list(values.map { format.print($0, display) }) })
    }

    private static func refuseDuplicates(of key: String, in nodes: [YAMLNode], _ reader: InventoryReader) {
        var lines: [String: Int] = [:]
        for node in nodes {
            guard let value = node.entry(key)?.value, case .scalar(let scalar) = value.content, !scalar.isNull else {
                continue
            }
            if let line = lines[scalar.text.lowercased()] {
                let what = YAMLDecoder.describe(value)
                reader.decoder.report("the \(key) \(what) is taken, in line \(line)", at: value.location)
            } else {
                lines[scalar.text.lowercased()] = value.location.line
            }
        }
    }
}

extension Format where Value: Section {
    /// Keys and values of fixed names; null gives the defaults.
    static var section: Format {
        Format(
            read: { node, reader in
                guard let entries = reader.decoder.mapping(node) else { return nil }
                reader.decoder.refuseUnknownKeys(in: entries, known: Value.fields.flatMap(\.keys))
                var value = Value()
                return reader.read(Value.fields, of: entries, at: node.location, into: &value) ? value : nil
            },
            print: { value, display in .mapping(Value.fields.flatMap { $0.print(value, display) }) })
    }
}
