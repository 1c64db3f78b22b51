internal import Backends
internal import Model
internal import NodeODM
internal import Storage

/// The images of a task in its client's bucket, as a node is sent them: by the same rules by which pods bring them to themselves,
/// without a copy here.
struct BucketSource: InputSource {
    let fields: ObjectStorageFields
    let client: S3Client
    /// Told what lies there now, so that what the node counts is compared with that.
    let recount: @Sendable (InputSurvey) async -> Void

    func inputs() async throws(StorageError) -> [InputFile] {
        var files = BucketFiles()
        let survey = try await InputSurvey.run(fields, client) { object, _ in files.add(object) }
        guard !files.list.isEmpty else {
            throw StorageError(.notFound, "\(fields.input) holds no images any more")
        }
        await recount(survey)
        return files.list
    }

    func open(_ file: InputFile) async throws(StorageError) -> any ObjectReader {
        try await client.open(
            bucket: fields.input.bucket, key: file.storageKey, etag: file.digest.isEmpty ? nil : file.digest)
    }
}

/// The objects of a place as files of one folder: equal base names get `_1`, `_2`, … before the extension.
struct BucketFiles {
    /// In the order in which they were added.
    private(set) var list: [InputFile] = []
    private var taken: Set<String> = []
    private var lastNumber: [String: Int] = [:]

    mutating func add(_ object: S3Object) {
        let name = SafeFileName(object.key).string
        list.append(
            InputFile(
                name: free(name), size: object.size, digest: object.etag ?? "", storageKey: object.key))
    }

    private mutating func free(_ name: String) -> String {
        var candidate = name
        let dot = name.lastIndex(of: ".").flatMap { $0 == name.startIndex ? nil : $0 } ?? name.endIndex
        while !taken.insert(candidate).inserted {
            let number = (lastNumber[name] ?? 0) + 1
            lastNumber[name] = number
            candidate = "\(name[..<dot])_\(number)\(name[dot...])"
        }
        return candidate
    }
}
