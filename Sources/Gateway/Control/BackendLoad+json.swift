internal import Model
internal import NodeODM

/// The form in which the record remembers a load over restarts.
extension BackendLoad {
    /// One JSON object.
    var json: String {
        var json = JSONWriter()
        json.beginObject()
        json.key("slots")
        json.integer(slots)
        json.key("unfinished")
        json.integer(unfinished)
        if let maxImages {
            json.key("maxImages")
            json.integer(maxImages)
        }
        json.key("engine")
        json.string(engine)
        json.key("engineVersion")
        json.string(engineVersion)
        json.key("apiVersion")
        json.string(apiVersion)
        json.key("isCluster")
        json.bool(isCluster)
        json.endObject()
        return String(decoding: json.bytes, as: UTF8.self)
    }

    /// Reads what `json` wrote; nil for anything else.
    init?(json text: String) {
        guard let json = try? JSONValue(parsing: text), let engine = json["engine"]?.text else { return nil }
        self.init(
            slots: json["slots"]?.integer.flatMap { Int(exactly: $0) } ?? 1,
            unfinished: json["unfinished"]?.integer.flatMap { Int(exactly: $0) } ?? 0,
            maxImages: json["maxImages"]?.integer.flatMap { Int(exactly: $0) }, engine: engine,
            engineVersion: json["engineVersion"]?.text ?? "?", apiVersion: json["apiVersion"]?.text ?? "?",
            isCluster: json["isCluster"]?.bool ?? false)
    }
}
