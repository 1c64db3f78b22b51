/// What `/info` says (contract 2.1), kept within the bounds that WebODM's database has (section 4).
public struct NodeInfo: Sendable, Equatable {
    /// The version of the API: exactly three integers, or PyODM takes it as older than anything.
    public var version: String
    /// Tasks queued and running.
    public var taskQueueCount: Int64
    /// The most images a task may have; nil: no limit.
    public var maxImages: Int64?
    /// Slots; ScaleODM doesn't say.
    public var maxParallelTasks: Int64?
    /// Bytes of memory; ClusterODM is recognised by its 99999999999.
    public var totalMemory: Int64?
    /// Bytes of free memory.
    public var availableMemory: Int64?
    /// Processor cores.
    public var cpuCores: Int64?
    /// The name of the engine.
    public var engine: String
    /// The version of the engine.
    public var engineVersion: String

    /// A node's information from its parts.
    public init(
        version: String, taskQueueCount: Int64, maxImages: Int64? = nil, maxParallelTasks: Int64? = nil,
        totalMemory: Int64? = nil, availableMemory: Int64? = nil, cpuCores: Int64? = nil, engine: String = "odm",
        engineVersion: String
    ) {
        self.version = version
        self.taskQueueCount = taskQueueCount
        self.maxImages = maxImages
        self.maxParallelTasks = maxParallelTasks
        self.totalMemory = totalMemory
        self.availableMemory = availableMemory
        self.cpuCores = cpuCores
        self.engine = engine
        self.engineVersion = engineVersion
    }

    /// True for a ClusterODM, which fixes this value (`rules.md`, "ClusterODM as a backend").
    public var isClusterODM: Bool { totalMemory == 99_999_999_999 }
}

// MARK: Reading

extension NodeInfo {
    /// Reads a node's answer; numbers and texts are brought within bounds, missing ones get defaults.
    /// - Parameter bytes: the body.
    /// - Throws: ``WireFormatError`` where it isn't an object that names a version or an engine.
    public init(decoding bytes: [UInt8]) throws(WireFormatError) {
        let json: JSONValue
        do { json = try JSONValue(parsing: bytes) } catch {
            throw WireFormatError(.notJSON, "/info isn't JSON: \(error.message)")
        }
        try self.init(json: json)
    }

    /// Reads a node's answer that was parsed already.
    /// - Parameter json: the body.
    /// - Throws: ``WireFormatError`` where it isn't an object that names a version or an engine.
    public init(json: JSONValue) throws(WireFormatError) {
        guard json.members != nil else { throw WireFormatError(.notAnObject, "/info isn't a JSON object") }
        guard json["version"]?.text != nil || json["engineVersion"]?.text != nil else {
            throw WireFormatError(.missingField, "/info has neither version nor engineVersion")
        }
        version = Self.clip(json["version"]?.text ?? "?", to: 32)
        taskQueueCount = Self.bounded(json["taskQueueCount"]) ?? 0
        maxImages = Self.bounded(json["maxImages"])
        // Sums over many nodes must fit; a ClusterODM says 99,999,999,999.
        maxParallelTasks = json["maxParallelTasks"]?.integer.map { min(max(0, $0), 1_000_000_000_000) }
        totalMemory = json["totalMemory"]?.integer
        availableMemory = json["availableMemory"]?.integer
        cpuCores = json["cpuCores"]?.integer
        engine = Self.clip(json["engine"]?.text ?? "odm", to: 255)
        engineVersion = Self.versionProper(json["engineVersion"]?.text ?? "?")
    }

    /// The version in an engine's text: the tag of an image reference (ScaleODM reports the whole one), ≤ 32 characters.
    ///
    /// | text | version |
    /// |---|---|
    /// | `3.6.0` | `3.6.0` |
    /// | `docker.io/opendronemap/odm:3.6.0@sha256:ab…` | `3.6.0` |
    /// | `registry.example.org:5000/odm` | `odm` |
    public static func versionProper(_ text: String) -> String {
        let first = text.prefix { $0 != "\n" && $0 != "@" }
        let name = first.split(separator: "/", omittingEmptySubsequences: true).last ?? ""
        let tag = name.split(separator: ":", omittingEmptySubsequences: true).last ?? ""
        return tag.isEmpty ? "?" : clip(String(tag), to: 32)
    }

    private static func bounded(_ json: JSONValue?) -> Int64? {
        guard let number = json?.number, number.isFinite else { return nil }
        return Int64(min(max(0, number), 2_147_483_647))
    }
}

// MARK: Writing

extension NodeInfo {
    /// Writes the object, again within bounds.
    /// - Parameters:
    ///   - json: the text that is appended to.
    ///   - gatewayVersion: the gateway's own version, under its own key; nil leaves it out.
    public func encode(into json: inout JSONWriter, gatewayVersion: String? = nil) {
        json.beginObject()
        json.key("version")
        json.string(Self.clip(version, to: 32))
        json.key("taskQueueCount")
        json.integer(Self.clamp(taskQueueCount))
        json.key("maxImages")
        if let maxImages { json.integer(Self.clamp(maxImages)) } else { json.null() }
        for (name, value) in optionalNumbers {
            guard let value else { continue }
            json.key(name)
            json.integer(value)
        }
        json.key("engine")
        json.string(Self.clip(engine, to: 255))
        json.key("engineVersion")
        json.string(Self.clip(engineVersion, to: 32))
        if let gatewayVersion {
            json.key("gatewayVersion")
            json.string(gatewayVersion)
        }
        json.endObject()
    }

    private var optionalNumbers: [(StaticString, Int64?)] {
        [
            ("maxParallelTasks", maxParallelTasks), ("totalMemory", totalMemory),
            ("availableMemory", availableMemory), ("cpuCores", cpuCores),
        ]
    }

    private static func clamp(_ value: Int64) -> Int64 { min(max(0, value), 2_147_483_647) }

    /// PostgreSQL counts characters as Unicode scalars, not as Swift's graphemes.
    private static func clip(_ text: String, to limit: Int) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(limit).filter { $0 != "\0" }))
    }
}
