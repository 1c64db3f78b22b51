internal import HTTPTypes
internal import Model
internal import NodeODM
internal import Reactor
internal import Record

/// Turns the fields of an init, or of a /task/new, into a task, and refuses what can be refused before a byte is sent.
struct TaskIntake: Sendable {
    let fleet: Fleet
    let clock: any WorldClock
    let random: any RandomBits
    /// For images in object storage.
    var objectStorage = ObjectStorageIntake(buckets: nil)
    /// Why the gateway takes no files; nil where it does.
    var fileRefusal: String?

    /// The identity of a new task: the client's `set-uuid`, or a fresh UUIDv4.
    /// - Throws: `refused` as NodeODM does for anything but a UUID of versions 1–7.
    func identity(for request: HTTPRequest) throws(APIError) -> TaskID {
        guard let wanted = request.fields["set-uuid"] else { return TaskID(randomUUID: random) }
        guard let id = TaskID(wanted), id.isUUID else { throw Self.invalidUUID(wanted) }
        return id
    }

    /// NodeODM's refusal of an identity.
    static func invalidUUID(_ text: String) -> APIError { .refused("Invalid set-uuid: \(text)") }

    /// A task from its fields.
    /// - Throws: `refused` with all that is wrong with its options, or with its zipurl or its places in object storage.
    func task(_ id: TaskID, from form: TaskForm, of caller: Caller) async throws(APIError) -> NewTask {
        guard let fields = try objectStorage.fields(form) else {
            try refuseFiles()
            return try task(id, from: form, caller)
        }
        var form = form
        form.remove("zipurl")
        if let options = try await objectStorage.boundary(form.jsonText("options") ?? "", fields) {
            form.replace("options", options)
        }
        var task = try task(id, from: form, caller)
        try await objectStorage.survey(fields, into: &task)
        return task
    }

    /// Refuses tasks with files of their own, sent or fetched, where the gateway has nowhere to keep them.
    func refuseFiles() throws(APIError) {
        if let fileRefusal { throw .refused(fileRefusal) }
    }

    /// The identity of a task whose images came by `s3://` and which has no `set-uuid`.
    func pipelineIdentity() -> TaskID { TaskID(randomPipeline: random) }

    private func task(_ id: TaskID, from form: TaskForm, _ caller: Caller) throws(APIError) -> NewTask {
        let now = clock.timestamp
        let skips = form.text("skipPostProcessing") == "true"
        var task = NewTask(
            id: id, owner: caller.owner, name: Self.name(form.text("name"), at: now),
            options: try options(form, skipPostProcessing: skips), skipPostProcessing: skips,
            dateCreated: Self.date(form.text("dateCreated")) ?? now)
        // Three characters can't be a URL: NodeODM ignores them too (contract 2.3).
        task.remark = remark(on: form)
        task.webhook = form.text("webhook").flatMap { $0.utf8.count > 3 ? $0 : nil }
        let outputs =
            form.value("outputs").flatMap { $0.array == nil ? nil : ConfinedPaths(json: $0) }
            ?? ConfinedPaths(json: form.text("outputs"))
        // An empty list is none: the node's own choice, as NodeODM takes it.
        task.outputs = outputs.flatMap { $0.paths.isEmpty ? nil : $0.json }
        task.zipURL = try zipURL(form.text("zipurl"))
        return task
    }

    /// The options as they are recorded: validated, and without what only the gateway may set.
    ///
    /// Until split-merge is built, `sm-cluster` from a client is dropped: it would send a node's token anywhere.
    func options(_ form: TaskForm, skipPostProcessing: Bool) throws(APIError) -> String {
        guard let text = form.jsonText("options"), !text.isEmpty else { return "[]" }
        let rules = OptionCatalog.ValidationRules(skipPostProcessing: skipPostProcessing)
        switch fleet.catalog.validate(optionsText: text, rules: rules) {
        case .failure(let errors): throw .refused(errors.message)
        case .success: break
        }
        let entries = (try? JSONValue(parsing: text))?.array ?? []
        var json = JSONWriter(reserving: text.utf8.count)
        json.value(.array(entries.filter { $0["name"]?.text != "sm-cluster" }))
        return String(decoding: json.bytes, as: UTF8.self)
    }

    /// Names that no backend knows are dropped without an error (contract, item 18); the task's history tells of them.
    private func remark(on form: TaskForm) -> String {
        guard let sent = form.jsonText("options").flatMap({ try? JSONValue(parsing: $0) }) else { return "" }
        guard let entries = sent.array else {
            return sent == .null ? "" : "options were left out: they are no JSON array of names and values"
        }
        let catalog = fleet.catalog
        let names = Set(entries.compactMap { $0["name"]?.text })
        let dropped = names.filter { $0 == "sm-cluster" || !catalog.contains($0) }
        guard !dropped.isEmpty else { return "" }
        let some = dropped.sorted().prefix(Self.namedAtMost).map { String($0.prefix(100)) }.joined(separator: ", ")
        let more = dropped.count > Self.namedAtMost ? " and \(dropped.count - Self.namedAtMost) more" : ""
        return "options that are not known here were left out: \(some)\(more)"
    }

    private static let namedAtMost = 20

    /// A URL that the gateway can fetch; whether it leads anywhere shows later, as on a node.
    private func zipURL(_ text: String?) throws(APIError) -> String? {
        guard let text, !text.isEmpty else { return nil }
        switch text.prefix(while: { $0 != ":" }).lowercased() {
        case "http", "https":
            guard Self.isURL(text) else { throw .refused("zipurl isn't a URL") }
            return text
        default: throw .refused("zipurl must begin with http://, https:// or s3://")
        }
    }

    /// Whether text with a scheme goes on with a host, and holds nothing that no URL holds.
    private static func isURL(_ text: String) -> Bool {
        let rest = text.drop { $0 != ":" }
        guard text.utf8.count <= 8192, rest.hasPrefix("://"), let first = rest.dropFirst(3).first else { return false }
        return !"/?#".contains(first) && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
    }

    private static func name(_ text: String?, at now: Timestamp) -> String {
        guard let text, !text.isEmpty else { return "Task of \(now.iso8601)" }
        return text
    }

    /// JavaScript's parseInt: leading digits; nil where there are none, or too many.
    private static func date(_ text: String?) -> Timestamp? {
        guard let text else { return nil }
        let trimmed = text.drop { $0 == " " }
        let isNegative = trimmed.first == "-"
        let digits = trimmed.dropFirst(isNegative || trimmed.first == "+" ? 1 : 0).prefix { ("0"..."9").contains($0) }
        guard let number = Int64(digits), number < 1 << 53 else { return nil }
        return Timestamp(milliseconds: isNegative ? -number : number)
    }
}
