internal import Model
internal import NodeODM

/// `task.json`: all that the pod's scripts are told, the only place of a manifest's world where a user's text may stand.
///
/// The download stage runs where there is no parser of JSON, so what it needs stands once more in base64url, under keys that no
/// escaped text can imitate: inside a JSON text every quote has a backslash before it.
struct TaskDocument {
    /// Archives may unpack to so much.
    private static let archiveBytes: Int64 = 50_000_000_000
    private static let archiveFiles = 500_000
    /// Above this it is stored beside the inputs: Linux takes 128 KiB in one variable, and base64 adds a third.
    static let largestInline = 65_536

    /// The JSON.
    let bytes: [UInt8]

    init(_ task: WorkflowTask, cores: Int) {
        var json = JSONWriter()
        json.beginObject()
        json.key("v")
        json.integer(1)
        json.key("task")
        json.string(task.task.string)
        json.key("workflow")
        json.string(task.workflow.string)
        json.key("attempt")
        json.integer(task.attempt)
        json.key("args")
        json.strings(EngineArguments.vector(of: task.options, without: ["max-concurrency"]))
        json.key("forced")
        json.strings(["--max-concurrency", String(cores)])
        json.key("outputs")
        json.strings(task.outputs)
        Self.writePlaces(of: task, into: &json)
        json.key("limits")
        json.beginObject()
        json.key("archiveBytes")
        json.integer(Self.archiveBytes)
        json.key("archiveFiles")
        json.integer(Self.archiveFiles)
        json.endObject()
        json.endObject()
        bytes = json.bytes
    }

    var base64: String { Base64URL.encode(bytes) }

    private static func writePlaces(of task: WorkflowTask, into json: inout JSONWriter) {
        json.key("input")
        json.beginObject()
        json.key("bucket")
        json.string(task.input.bucket)
        json.key("prefix")
        json.string(task.input.prefix)
        json.key("depth")
        json.integer(task.selection.depth)
        json.key("excludes")
        json.strings(task.selection.excludes)
        json.key("keep")
        json.string(task.selection.takesAll ? "all" : "images")
        if !task.names.isEmpty {
            json.key("names")
            json.beginObject()
            for (stored, name) in task.names.sorted(by: { $0.key < $1.key }) {
                json.key(stored)
                json.string(name)
            }
            json.endObject()
        }
        json.endObject()
        json.key("output")
        json.beginObject()
        json.key("bucket")
        json.string(task.output.bucket)
        json.key("prefix")
        json.string(task.output.prefix)
        json.endObject()
        json.key("rclone")
        json.beginObject()
        json.key("output")
        json.string(task.output.path)
        json.key("endpoint")
        json.string(task.endpoint ?? "")
        json.key("region")
        json.string(task.region ?? "")
        for (key, text) in shellFields(of: task) {
            json.key(key)
            json.string(Base64URL.encode(text))
        }
        json.endObject()
    }

    private static func shellFields(of task: WorkflowTask) -> [(StaticString, String)] {
        [
            ("source_b64", task.input.path), ("output_b64", task.output.path),
            ("depth_b64", String(task.selection.depth)), ("endpoint_b64", task.endpoint ?? ""),
            ("region_b64", task.region ?? ""), ("filter_b64", filter(of: task)), ("started_b64", started(task)),
        ]
    }

    /// Results that go below the inputs are no inputs.
    private static func filter(of task: WorkflowTask) -> String {
        let rules = task.selection.filterRules
        guard task.input.bucket == task.output.bucket, task.output.prefix.hasPrefix(task.input.prefix) else {
            return rules
        }
        let rest = task.output.prefix.dropFirst(task.input.prefix.count)
        guard !rest.isEmpty else { return rules }
        let literal = rest.map { "*?[]{}\\".contains($0) ? "\\\($0)" : String($0) }.joined()
        return "- /\(literal)**\n" + rules
    }

    /// What `_STARTED.json` says; it proves that this very attempt ran (rules: *S3*).
    private static func started(_ task: WorkflowTask) -> String {
        var json = JSONWriter()
        json.beginObject()
        json.key("task")
        json.string(task.task.string)
        json.key("workflow")
        json.string(task.workflow.string)
        json.key("attempt")
        json.integer(task.attempt)
        json.endObject()
        return String(decoding: json.bytes, as: UTF8.self)
    }
}

extension S3URL {
    /// `bucket/prefix` as rclone's remotes take it.
    var path: String { prefix.isEmpty ? bucket : "\(bucket)/\(prefix.dropLast())" }
}

extension JSONWriter {
    mutating func strings(_ texts: [String]) {
        beginArray()
        for text in texts { string(text) }
        endArray()
    }
}
