internal import NodeODM

/// The fields of a POST, whatever form they came in: multipart, urlencoded or JSON (contract 1.4).
struct TaskForm: Sendable {
    private var values: [String: JSONValue] = [:]
    /// Whether the body was JSON: such clients look at the status of an answer.
    var isJSON = false

    /// Adds a field; the first of several with the same name counts.
    mutating func add(_ name: String, _ value: JSONValue) {
        if values[name] == nil { values[name] = value }
    }

    /// Puts another value in the place of what was sent.
    mutating func replace(_ name: String, _ text: String) { values[name] = .string(text) }

    /// Takes a field out.
    mutating func remove(_ name: String) { values[name] = nil }

    /// Whether the field was sent.
    func contains(_ name: String) -> Bool { values[name] != nil }

    /// The field as text; numbers and truth values of a JSON body as JavaScript would write them.
    func text(_ name: String) -> String? {
        switch values[name] {
        case .string(let text): text
        case .integer(let number): String(number)
        case .double(let number): String(number)
        case .bool(let value): value ? "true" : "false"
        case .null, .array, .object, nil: nil
        }
    }

    /// The field as a value: JSON bodies may carry `options` as an array instead of as text.
    func value(_ name: String) -> JSONValue? { values[name] }

    /// A field that holds JSON, either as text or, in a JSON body, as itself.
    func jsonText(_ name: String) -> String? {
        switch values[name] {
        case .array, .object:
            var json = JSONWriter()
            if let value = values[name] { json.value(value) }
            return String(decoding: json.bytes, as: UTF8.self)
        case .null, .bool, .integer, .double, .string, nil: return text(name)
        }
    }
}
