internal import Model

/// How the record keeps the fields.
extension ObjectStorageFields {
    /// As a JSON text; what has its default is left out.
    public var json: String {
        var json = JSONWriter()
        json.beginObject()
        json.key("input")
        json.string(input.description)
        json.key("output")
        json.string(output.description)
        Self.write(endpoint, as: "endpoint", &json)
        Self.write(region, as: "region", &json)
        Self.write(capacity?.rawValue, as: "capacity", &json)
        Self.write(engineImage, as: "engineImage", &json)
        json.key("depth")
        json.integer(Int64(depth))
        if !excludes.isEmpty {
            json.key("excludes")
            json.value(.array(excludes.map { .string($0) }))
        }
        if !usesDefaultExcludes { Self.mark("takesEarlierResults", &json) }
        if namesPlaces { Self.mark("namesPlaces", &json) }
        if holdsArchives { Self.mark("holdsArchives", &json) }
        if holdsSideFiles { Self.mark("holdsSideFiles", &json) }
        json.endObject()
        return String(decoding: json.bytes, as: UTF8.self)
    }

    /// Reads what `json` wrote.
    /// - Parameter text: nil, and what was written by another program, give nil.
    public init?(recorded text: String?) {
        guard let text, let json = try? JSONValue(parsing: text),
            let input = json["input"]?.text.flatMap({ S3URL($0) }),
            let output = json["output"]?.text.flatMap({ S3URL($0) }), let depth = json["depth"]?.integer
        else { return nil }
        self.init(
            input: input, output: output, namesPlaces: json["namesPlaces"]?.bool ?? false,
            endpoint: json["endpoint"]?.text, region: json["region"]?.text, depth: Int(clamping: depth),
            excludes: json["excludes"]?.array?.compactMap(\.text) ?? [],
            usesDefaultExcludes: !(json["takesEarlierResults"]?.bool ?? false),
            capacity: json["capacity"]?.text.flatMap { Capacity(rawValue: $0) },
            engineImage: json["engineImage"]?.text, holdsArchives: json["holdsArchives"]?.bool ?? false,
            holdsSideFiles: json["holdsSideFiles"]?.bool ?? false)
    }

    private static func write(_ text: String?, as name: StaticString, _ json: inout JSONWriter) {
        guard let text else { return }
        json.key(name)
        json.string(text)
    }

    private static func mark(_ name: StaticString, _ json: inout JSONWriter) {
        json.key(name)
        json.bool(true)
    }
}
