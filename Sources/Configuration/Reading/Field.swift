import Observability
import YAML

/// One key of a section (a secret has two): the single place that knows how it is called, read and printed.
struct Field<Root> {
    /// Its key; a secret's `…_file` twin is the second.
    let keys: [String]
    /// Whether all that must be there was there.
    ///
    /// A value that isn't right is reported and changes nothing.
    let read: (inout Root, [YAMLEntry], SourceLocation, InventoryReader) -> Bool
    let print: (Root, SecretDisplay) -> [(key: String, value: YAMLValue)]

    init(
        keys: [String], read: @escaping (inout Root, [YAMLEntry], SourceLocation, InventoryReader) -> Bool,
        print: @escaping (Root, SecretDisplay) -> [(key: String, value: YAMLValue)]
    ) {
        self.keys = keys
        self.read = read
        self.print = print
    }

    init<Value>(
        _ key: String, _ path: WritableKeyPath<Root, Value>, _ format: Format<Value>, required: Bool = false
    ) {
        keys = [key]
        read = { root, entries, location, reader in
            guard let entry = entries.first(where: { $0.key == key }) else {
                if required { reader.decoder.report("the key `\(key)` is missing", at: location) }
                return !required
            }
            if let value = reader.decoder.inside(key, { format.read(entry.value, reader) }) {
                root[keyPath: path] = value
                return true
            }
            return !required
        }
        print = { root, display in [(key, format.print(root[keyPath: path], display))] }
    }

    /// A secret and its `…_file` twin.
    init(secret key: String, _ path: WritableKeyPath<Root, Secret?>) {
        keys = [key, "\(key)_file"]
        read = { root, entries, _, reader in
            if let secret = SecretText.read(key, in: entries, reader) { root[keyPath: path] = secret }
            return true
        }
        print = { root, display in SecretText.print(key, root[keyPath: path], display) }
    }
}

/// A section of the file: keys and values of fixed names.
protocol Section {
    init()
    static var fields: [Field<Self>] { get }
}
