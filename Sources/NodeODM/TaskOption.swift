/// One option of a task: a name of /options and its typed value.
public struct TaskOption: Sendable, Hashable {
    /// The option's name, such as `pc-quality`.
    public var name: String
    /// Its value.
    public var value: OptionValue

    /// Pairs a name with its value.
    public init(name: String, value: OptionValue) {
        self.name = name
        self.value = value
    }

    /// Writes `[{"name":…,"value":…},…]`, as info shows it and as `options` of init takes it.
    /// - Parameters:
    ///   - options: what to write, in this order.
    ///   - json: the text that is appended to.
    public static func encode(_ options: [TaskOption], into json: inout JSONWriter) {
        json.beginArray()
        for option in options {
            json.beginObject()
            json.key("name")
            json.string(option.name)
            json.key("value")
            option.value.encode(into: &json)
            json.endObject()
        }
        json.endArray()
    }

    /// The JSON text of a list of options: the form in which the record keeps them and a node's init takes them.
    public static func text(of options: [TaskOption]) -> String {
        var json = JSONWriter()
        encode(options, into: &json)
        return String(decoding: json.bytes, as: UTF8.self)
    }

    /// Reads a list that was already validated: from the record, or from a node's info.
    /// - Parameter json: an array of `{name, value}`; anything else, and entries without a usable value, is left out.
    /// - Returns: the readable entries in their order.
    public static func list(from json: JSONValue?) -> [TaskOption] {
        guard let entries = json?.array else { return [] }
        return entries.compactMap { entry in
            guard let name = entry["name"]?.text, let value = entry["value"].flatMap(OptionValue.init(json:)) else {
                return nil
            }
            return TaskOption(name: name, value: value)
        }
    }
}
