import Glibc
import NodeODM

/// What happened to the node, for tests: appended to a file at once, so that it survives kill -9.
struct Journal: ~Copyable {
    /// One received file.
    struct ReceivedFile: Sendable {
        var name: String
        var size: Int64
        var sha256: String
    }

    private let path: String
    private let descriptor: Int32
    /// How often processing began, by task.
    private(set) var starts: [String: Int64] = [:]
    /// How often a commit was accepted, by task.
    private(set) var commits: [String: Int64] = [:]
    /// Codes in which runs ended, by task.
    private(set) var ends: [String: [Int64]] = [:]
    /// Received files, by task.
    private(set) var files: [String: [ReceivedFile]] = [:]
    /// Requests of each endpoint since this process started.
    private(set) var requests: [Endpoint: Int64] = [:]

    /// Reads what earlier processes wrote; a line that a crash cut is passed over.
    init(path: String) throws(SimulatorError) {
        self.path = path
        let old = Disk.read(path) ?? []
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Disk.failure("open", path) }
        for line in old.split(separator: 0x0A) {
            if let json = try? JSONValue(parsing: Array(line)) { count(json) }
        }
        if let last = old.last, last != 0x0A { try Disk.append([0x0A], to: descriptor, path) }
    }

    deinit { close(descriptor) }

    mutating func request(_ endpoint: Endpoint) { requests[endpoint, default: 0] += 1 }

    mutating func started(_ uuid: String, at time: Int64) { note("start", uuid, time) { _ in } }
    mutating func committed(_ uuid: String, at time: Int64) { note("commit", uuid, time) { _ in } }
    mutating func ended(_ uuid: String, code: Int, at time: Int64) {
        note("end", uuid, time) { $0.pair("code") { $0.integer(code) } }
    }
    mutating func received(_ file: ReceivedFile, for uuid: String, at time: Int64) {
        note("file", uuid, time) { json in
            json.pair("name") { $0.string(file.name) }
            json.pair("size") { $0.integer(file.size) }
            json.pair("sha256") { $0.string(file.sha256) }
        }
    }

    private mutating func note(
        _ event: String, _ uuid: String, _ time: Int64, _ more: (inout JSONWriter) -> Void
    ) {
        var json = JSONWriter()
        json.beginObject()
        json.pair("event") { $0.string(event) }
        json.pair("uuid") { $0.string(uuid) }
        json.pair("time") { $0.integer(time) }
        more(&json)
        json.endObject()
        // A journal that can't be written makes every test that reads it worthless: the disk's error is told and counted.
        if (try? Disk.append(json.bytes + [0x0A], to: descriptor, path)) == nil {
            Console.log("the journal can't be written: \(path)")
        }
        if let value = try? JSONValue(parsing: json.bytes) { count(value) }
    }

    private mutating func count(_ json: JSONValue) {
        guard let event = json["event"]?.text, let uuid = json["uuid"]?.text else { return }
        switch event {
        case "start": starts[uuid, default: 0] += 1
        case "commit": commits[uuid, default: 0] += 1
        case "end": ends[uuid, default: []].append(json["code"]?.integer ?? 0)
        case "file":
            let file = ReceivedFile(
                name: json["name"]?.text ?? "", size: json["size"]?.integer ?? 0, sha256: json["sha256"]?.text ?? "")
            files[uuid, default: []].append(file)
        default: break
        }
    }

    /// The answer of `GET /control/journal`.
    func encode(into json: inout JSONWriter) {
        json.beginObject()
        json.pair("starts") { Self.encode(starts, into: &$0) { $1.integer($0) } }
        json.pair("commits") { Self.encode(commits, into: &$0) { $1.integer($0) } }
        json.pair("ends") { json in
            Self.encode(ends, into: &json) { codes, json in
                json.beginArray()
                for code in codes { json.integer(code) }
                json.endArray()
            }
        }
        json.pair("files") { Self.encode(files, into: &$0, Self.encode) }
        json.pair("requests") { json in
            let named = Dictionary(uniqueKeysWithValues: requests.map { ($0.key.rawValue, $0.value) })
            Self.encode(named, into: &json) { $1.integer($0) }
        }
        json.endObject()
    }

    private static func encode<Value>(
        _ values: [String: Value], into json: inout JSONWriter, _ value: (Value, inout JSONWriter) -> Void
    ) {
        json.beginObject()
        for (name, entry) in values.sorted(by: { $0.key < $1.key }) { json.pair(name) { value(entry, &$0) } }
        json.endObject()
    }

    private static func encode(_ files: [ReceivedFile], into json: inout JSONWriter) {
        json.beginArray()
        for file in files {
            json.beginObject()
            json.pair("name") { $0.string(file.name) }
            json.pair("size") { $0.integer(file.size) }
            json.pair("sha256") { $0.string(file.sha256) }
            json.endObject()
        }
        json.endArray()
    }
}
