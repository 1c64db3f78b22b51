internal import NodeODM
internal import Observability

/// One step of a trace that has ended.
struct Span: Sendable {
    /// What kind of step it was, as OTLP numbers them.
    enum Kind: Int, Sendable {
        /// Work of our own.
        case inside = 1
        /// A request that was answered.
        case server = 2
        /// A request that was made.
        case client = 3
    }

    let context: TraceContext
    let kind: Kind
    /// What it was, without what varies.
    let name: String
    /// Nanoseconds since 1970.
    let begin: Int64
    /// Nanoseconds since 1970.
    let end: Int64
    /// What varies.
    let attributes: [(key: String, value: LogValue)]
    /// Why it failed; nil where it didn't.
    var failure: String?

    /// Writes it as OTLP's JSON has it.
    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.key("traceId")
        json.string(context.traceID)
        json.key("spanId")
        json.string(context.span.description)
        if let parent = context.parent {
            json.key("parentSpanId")
            json.string(parent.description)
        }
        json.key("name")
        json.string(name)
        json.key("kind")
        json.integer(kind.rawValue)
        // 64 bits are text in protobuf's JSON.
        json.key("startTimeUnixNano")
        json.string(String(begin))
        json.key("endTimeUnixNano")
        json.string(String(end))
        json.key("attributes")
        Self.write(attributes, into: &json)
        json.key("status")
        json.beginObject()
        if let failure {
            json.key("code")
            json.integer(2)
            json.key("message")
            json.string(failure)
        }
        json.endObject()
        json.endObject()
    }

    static func write(_ attributes: [(key: String, value: LogValue)], into json: inout JSONWriter) {
        json.beginArray()
        for (key, value) in attributes {
            json.beginObject()
            json.key("key")
            json.string(key)
            json.key("value")
            json.beginObject()
            switch value {
            case .string(let text):
                json.key("stringValue")
                json.string(text)
            case .integer(let number):
                json.key("intValue")
                json.string(String(number))
            case .real(let number):
                json.key("doubleValue")
                json.double(number)
            case .bool(let truth):
                json.key("boolValue")
                json.bool(truth)
            }
            json.endObject()
            json.endObject()
        }
        json.endArray()
    }
}
