public import Model

/// What `/task/{uuid}/info` says (contract 3.2): read from any kind of node, written strictly.
public struct TaskInfo: Sendable, Equatable {
    /// The id as its owner spells it.
    public var uuid: String
    /// For display; never absent in what we write, since PyODM dies without it.
    public var name: String
    /// Reset by a restart.
    public var dateCreated: Timestamp
    /// Milliseconds since the start; −1 before it.
    public var processingTime: Int64
    /// The state.
    public var status: StatusCode
    /// Why it failed; only with ``StatusCode/failed``, and not always there.
    public var errorMessage: String?
    /// The options after filtering.
    public var options: [TaskOption]
    /// Images, or −1 while unknown.
    public var imagesCount: Int
    /// 0–100.
    public var progress: Double
    /// Console lines, where they were asked for.
    public var output: [String]?
    /// Where the inputs lie, for tasks that came by `s3://` (contract 12.1).
    public var s3InputPath: String?
    /// Where the results go, for tasks that came by `s3://`.
    public var s3OutputPath: String?

    /// A task's state from its parts.
    public init(
        uuid: String, name: String, dateCreated: Timestamp, processingTime: Int64 = -1, status: StatusCode,
        errorMessage: String? = nil, options: [TaskOption] = [], imagesCount: Int = 0, progress: Double = 0,
        output: [String]? = nil
    ) {
        self.uuid = uuid
        self.name = name
        self.dateCreated = dateCreated
        self.processingTime = processingTime
        self.status = status
        self.errorMessage = errorMessage
        self.options = options
        self.imagesCount = imagesCount
        self.progress = progress
        self.output = output
    }
}

// MARK: Reading

extension TaskInfo {
    /// Reads a node's answer.
    /// - Parameters:
    ///   - bytes: the body.
    ///   - kind: who answered; ScaleODM gives times in seconds, and its values below 10^11 are taken as such.
    ///   - uuid: the id that was asked for, used where the answer has none.
    /// - Throws: ``WireFormatError`` where it isn't a task's info at all; whatever else is missing gets a default.
    public init(decoding bytes: [UInt8], from kind: BackendKind, askedFor uuid: String) throws(WireFormatError) {
        let json: JSONValue
        do { json = try JSONValue(parsing: bytes) } catch {
            throw WireFormatError(.notJSON, "info of a task isn't JSON: \(error.message)")
        }
        try self.init(json: json, from: kind, askedFor: uuid)
    }

    /// Reads a node's answer that was parsed already.
    /// - Parameters:
    ///   - json: the body.
    ///   - kind: who answered; see ``init(decoding:from:askedFor:)``.
    ///   - uuid: the id that was asked for, used where the answer has none.
    /// - Throws: ``WireFormatError`` where it isn't an object with one of the five status codes.
    public init(json: JSONValue, from kind: BackendKind, askedFor uuid: String) throws(WireFormatError) {
        guard json.members != nil else { throw WireFormatError(.notAnObject, "info of a task isn't a JSON object") }
        guard let code = json["status"]?["code"]?.integer, let status = Int(exactly: code).flatMap(StatusCode.init)
        else { throw WireFormatError(.missingField, "info of a task has none of the status codes 10 to 50") }
        self.uuid = json["uuid"]?.text ?? uuid
        self.status = status
        name = json["name"]?.text ?? ""
        dateCreated = Timestamp(milliseconds: Self.milliseconds(json["dateCreated"], from: kind))
        processingTime = json["processingTime"]?.integer.map { max(-1, $0) } ?? -1
        errorMessage = json["status"]?["errorMessage"]?.text
        options = TaskOption.list(from: json["options"])
        imagesCount = json["imagesCount"]?.integer.flatMap { Int(exactly: $0) } ?? -1
        progress = Self.clampedProgress(json["progress"]?.number ?? 0)
        output = json["output"].flatMap(OutputCleaner.lines(from:))
    }

    private static func milliseconds(_ json: JSONValue?, from kind: BackendKind) -> Int64 {
        let value = json?.integer ?? 0
        let isSeconds = kind == .scaleodm && value.magnitude < 100_000_000_000
        return isSeconds ? value * 1000 : value
    }
}

// MARK: Writing

extension TaskInfo {
    /// WebODM keeps processingTime in a 32-bit column: 24.8 days.
    public static let maximumProcessingTime: Int64 = 2_147_483_647

    /// Writes the object with every key that PyODM needs.
    /// - Parameter json: the text that is appended to.
    public func encode(into json: inout JSONWriter) { encode(into: &json, output: output) }

    /// Writes the object with output lines that are kept elsewhere.
    /// - Parameters:
    ///   - json: the text that is appended to.
    ///   - output: the lines to show; nil leaves the key out, as NodeODM does without `with_output`.
    public func encode(into json: inout JSONWriter, output: (some Collection<String>)?) {
        json.beginObject()
        encodeFields(into: &json)
        if let output {
            json.key("output")
            json.beginArray()
            for line in output { json.string(line) }
            json.endArray()
        }
        json.endObject()
    }

    /// Writes the keys of the object without its braces, for a webhook's body that adds its own.
    /// - Parameter json: the text that is appended to.
    public func encodeFields(into json: inout JSONWriter) {
        json.key("uuid")
        json.string(uuid)
        json.key("name")
        json.string(name)
        json.key("dateCreated")
        json.integer(dateCreated.milliseconds)
        json.key("processingTime")
        json.integer(min(max(-1, processingTime), Self.maximumProcessingTime))
        encodeStatus(into: &json)
        json.key("options")
        TaskOption.encode(options, into: &json)
        json.key("imagesCount")
        json.integer(imagesCount)
        json.key("progress")
        json.double(Self.clampedProgress(progress))
        encodePlaces(into: &json)
    }

    private func encodeStatus(into json: inout JSONWriter) {
        json.key("status")
        json.beginObject()
        json.key("code")
        json.integer(status.rawValue)
        if let errorMessage, status == .failed {
            json.key("errorMessage")
            json.string(errorMessage)
        }
        json.endObject()
    }

    private func encodePlaces(into json: inout JSONWriter) {
        if let s3InputPath {
            json.key("s3InputPath")
            json.string(s3InputPath)
        }
        if let s3OutputPath {
            json.key("s3OutputPath")
            json.string(s3OutputPath)
        }
    }

    private static func clampedProgress(_ progress: Double) -> Double {
        progress.isFinite ? min(max(0, progress), 100) : 0
    }
}
