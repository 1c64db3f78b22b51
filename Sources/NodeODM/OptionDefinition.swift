/// One entry of `/options`: exactly five keys, as a sixth breaks PyODM (contract 2.2).
public struct OptionDefinition: Sendable, Hashable {
    /// The types that NodeODM knows.
    public enum ValueType: String, Sendable, CaseIterable {
        /// A whole number.
        case integer = "int"
        /// A number.
        case float
        /// Any text.
        case string
        /// A path; listed by old engines.
        case path
        /// True or false.
        case bool
        /// One of several texts.
        case choice = "enum"
    }

    /// The name, such as `pc-quality`.
    public var name: String
    /// The type.
    public var type: ValueType
    /// The default, always as text.
    public var value: String
    /// Which values are allowed.
    public var domain: OptionDomain
    /// One sentence for people; `%(default)s` and `%(choices)s` are substituted by clients.
    public var help: String

    /// An option from its parts.
    public init(name: String, type: ValueType, value: String, domain: OptionDomain, help: String) {
        self.name = name
        self.type = type
        self.value = value
        self.domain = domain
        self.help = help
    }

    /// Reads an entry of a node's list; extra keys are ignored, a default that isn't a text becomes one.
    /// - Returns: nil where name or type are missing or unknown.
    init?(json: JSONValue) {
        guard let name = json["name"]?.text, !name.isEmpty, name.utf8.count <= 128 else { return nil }
        guard let type = json["type"]?.text.flatMap(ValueType.init) else { return nil }
        self.name = name
        self.type = type
        value = json["value"].flatMap(OptionValue.init(json:))?.text ?? ""
        help = json["help"]?.text ?? ""
        if let choices = json["domain"]?.array {
            domain = .choices(choices.compactMap(\.text))
        } else {
            // ScaleODM writes `bool`, which NodeODM's own checker would refuse (contract 12.1).
            let rule = json["domain"]?.text ?? ""
            domain = .rule(rule == "bool" ? "" : rule)
        }
    }

    func encode(into json: inout JSONWriter) {
        json.beginObject()
        json.key("name")
        json.string(name)
        json.key("type")
        json.string(type.rawValue)
        json.key("value")
        json.string(value)
        json.key("domain")
        switch domain {
        case .rule(let rule): json.string(rule)
        case .choices(let choices):
            json.beginArray()
            for choice in choices { json.string(choice) }
            json.endArray()
        }
        json.key("help")
        json.string(help)
        json.endObject()
    }
}
