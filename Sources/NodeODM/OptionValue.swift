/// The value of a task's option, typed as NodeODM shows it in info (contract, section 6).
public enum OptionValue: Sendable, Hashable {
    /// For type `bool`.
    case bool(Bool)
    /// For type `int`.
    case integer(Int64)
    /// For type `float`; always finite.
    case double(Double)
    /// For types `string`, `path` and `enum`.
    case string(String)

    /// Reads the value of an option from a node's info; null and nested values have no place there.
    init?(json: JSONValue) {
        switch json {
        case .bool(let value): self = .bool(value)
        case .integer(let value): self = .integer(value)
        case .double(let value): self = .double(value)
        case .string(let value): self = .string(value)
        case .null, .array, .object: return nil
        }
    }

    /// As it stands on an engine's command line, and in `value` of /options: `true`, `5`, `0.25`, text.
    public var text: String {
        switch self {
        case .bool(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        case .double(let value): value.shortText
        case .string(let value): value
        }
    }

    func encode(into json: inout JSONWriter) {
        switch self {
        case .bool(let value): json.bool(value)
        case .integer(let value): json.integer(value)
        case .double(let value): json.double(value)
        case .string(let value): json.string(value)
        }
    }
}

extension Double {
    /// `5`, not `5.0`.
    var shortText: String {
        if let whole = Int64(exactly: self), whole.magnitude < 1 << 53 { return String(whole) }
        return description
    }
}
