internal import Backends
internal import HTTPTypes
internal import Model
internal import NodeODM
internal import Record
internal import Storage

/// GET /task/{uuid}/assets, as ScaleODM has it: which of the usual results there are, and on request what else (contract, 2.13).
struct AssetsHandler: Sendable {
    let lookup: TaskLookup
    let buckets: ClientBuckets?

    private static let usual = ["all.zip", "orthophoto.tif", "dsm.tif", "dtm.tif", "point_cloud"]
    private static let usualLimit = 100
    private static let largestLimit = 1000

    func handle(_ call: APICall) async throws -> APIReply {
        let record = try await lookup.readSettled(try call.task(), for: call.caller) { $0.record }
        var there: Set<String> = []
        var files: [(name: String, size: Int64)] = []
        if record.shownCode == .completed, let results = ResultPlace(of: record, buckets) {
            there = try await Self.present(results)
            if let attempt = record.attempt,
                lookup.fleet.backend(attempt.backend)?.download(of: attempt.backendTask, asset: "all.zip") != nil
            {
                there.insert("all.zip")
            }
            if call.request.queryItem("includeAdditional") == "true" {
                files = try await Self.list(results, Self.limit(call.request.queryItem("additionalLimit")))
            }
        } else if record.shownCode == .completed {
            there = ["all.zip"]
        }
        return .json(Self.json(record.id, there, files))
    }

    private static func limit(_ text: String?) -> Int {
        min(max(1, text.flatMap { Int($0) } ?? usualLimit), largestLimit)
    }

    /// Which of the usual ones are there.
    private static func present(_ results: ResultPlace) async throws -> Set<String> {
        let client = try results.client()
        var there: Set<String> = []
        for name in usual {
            guard let key = results.key(of: name) else { continue }
            do throws(StorageError) {
                _ = try await client.head(bucket: results.place.bucket, key: key)
                there.insert(name)
            } catch {
                guard error.code == .notFound || error.code == .accessDenied else { throw error }
            }
        }
        return there
    }

    /// What lies in the place, the markers of runs aside.
    private static func list(_ results: ResultPlace, _ limit: Int) async throws -> [(name: String, size: Int64)] {
        let page = try await results.client().list(
            bucket: results.place.bucket, prefix: results.place.prefix, limit: min(limit + 2, largestLimit))
        let files = page.objects.map { object in
            (name: String(decoding: object.key.utf8.dropFirst(results.place.prefix.utf8.count), as: UTF8.self), object)
        }
        return files.filter { !$0.name.isEmpty && !$0.name.hasPrefix("_") }.prefix(limit).map {
            ($0.name, $0.1.size.bytes)
        }
    }

    private static func json(_ id: TaskID, _ there: Set<String>, _ files: [(name: String, size: Int64)]) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("uuid")
        json.string(id.string)
        json.key("assets")
        json.beginArray()
        for name in usual {
            json.beginObject()
            json.key("name")
            json.string(name)
            json.key("exists")
            json.bool(there.contains(name))
            json.key("url")
            json.string("/task/\(id)/download/\(name)")
            json.endObject()
        }
        json.endArray()
        if !files.isEmpty { write(files, of: id, &json) }
        json.endObject()
        return json.bytes
    }

    private static func write(_ files: [(name: String, size: Int64)], of id: TaskID, _ json: inout JSONWriter) {
        json.key("files")
        json.beginArray()
        for file in files {
            json.beginObject()
            json.key("key")
            json.string(file.name)
            json.key("size")
            json.integer(file.size)
            json.key("url")
            json.string("/task/\(id)/download/\(PercentEncoding.encode(file.name, keeping: "/"))")
            json.endObject()
        }
        json.endArray()
    }
}
