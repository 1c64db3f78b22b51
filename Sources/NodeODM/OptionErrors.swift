/// What was wrong with the options of a task: all of it at once.
public struct OptionErrors: Error, Sendable, Equatable {
    /// A closed set: safe as a metric label.
    public enum Code: String, Sendable { case notJSON, notAnObject, invalidValues }

    /// One refused option.
    public struct Failure: Sendable, Equatable {
        /// The option's name.
        public var name: String
        /// Why its value is refused.
        public var reason: String
    }

    /// What kind of failure it was.
    public var code: Code
    /// The refused options, in the list's order; empty where the text wasn't a list of options at all.
    public var failures: [Failure]
    /// The text for `error` of the answer.
    ///
    /// For refused options it is JSON inside the text, as NodeODM's: `[{"name":"…","error":"…"},…]`.
    public var message: String

    init(_ code: Code, message: String) {
        self.code = code
        self.message = message
        failures = []
    }

    init(failures: [Failure]) {
        code = .invalidValues
        self.failures = failures
        var json = JSONWriter()
        json.beginArray()
        for failure in failures {
            json.beginObject()
            json.key("name")
            json.string(failure.name)
            json.key("error")
            json.string(failure.reason)
            json.endObject()
        }
        json.endArray()
        message = String(decoding: json.bytes, as: UTF8.self)
    }
}
