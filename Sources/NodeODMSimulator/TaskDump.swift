import Model
import NodeODM

/// The saved task list: what a node still knows after a restart.
enum TaskDump {
    static func text(of tasks: [SimulatedTask]) -> [UInt8] {
        JSONWriter.text { json in
            json.beginArray()
            for task in tasks { encode(task, into: &json) }
            json.endArray()
        }
    }

    private static func encode(_ task: SimulatedTask, into json: inout JSONWriter) {
        json.beginObject()
        json.pair("uuid") { $0.string(task.uuid) }
        if let name = task.name { json.pair("name") { $0.string(name) } }
        json.pair("dateCreated") { $0.integer(task.dateCreated) }
        json.pair("status") { $0.integer(task.status.rawValue) }
        json.pair("progress") { $0.double(task.progress) }
        if let message = task.errorMessage { json.pair("errorMessage") { $0.string(message) } }
        json.pair("options") { TaskOption.encode(task.options, into: &$0) }
        if let webhook = task.webhook { json.pair("webhook") { $0.string(webhook) } }
        json.pair("skipPostProcessing") { $0.bool(task.skipPostProcessing) }
        json.pair("imagesCount") { $0.integer(task.imagesCount) }
        if let outputs = task.outputs {
            json.pair("outputs") { json in
                json.beginArray()
                for path in outputs { json.string(path) }
                json.endArray()
            }
        }
        json.endObject()
    }

    static func tasks(from bytes: [UInt8]) -> [SimulatedTask] {
        guard let entries = (try? JSONValue(parsing: bytes))?.array else { return [] }
        return entries.compactMap(task)
    }

    private static func task(from json: JSONValue) -> SimulatedTask? {
        guard let uuid = json["uuid"]?.text, TaskID(uuid) != nil else { return nil }
        guard let status = json["status"]?.integer.flatMap({ StatusCode(rawValue: Int($0)) }) else { return nil }
        var task = SimulatedTask(
            uuid: uuid, name: json["name"]?.text, dateCreated: json["dateCreated"]?.integer ?? 0,
            options: TaskOption.list(from: json["options"]), imagesCount: Int(json["imagesCount"]?.integer ?? 0))
        task.errorMessage = json["errorMessage"]?.text
        task.webhook = json["webhook"]?.text
        task.skipPostProcessing = json["skipPostProcessing"]?.bool ?? false
        task.outputs = json["outputs"].flatMap { ConfinedPaths(json: $0)?.paths }
        task.revive(as: status, progress: json["progress"]?.number ?? 0)
        return task
    }
}
