import Model
import NodeODM
import Reactor

/// init, upload, commit (contract 2.3–2.6).
extension SimulatedNode {
    /// The uuid of a new upload, checked; its folder is made.
    func openArea(setUUID: String?) throws -> String {
        guard let setUUID else { return try makeArea(TaskID(randomUUID: SystemRandomBits()).string) }
        guard TaskID(setUUID)?.isUUID == true, table[setUUID] == nil else {
            throw Refusal("Invalid set-uuid: \(setUUID)")
        }
        return try makeArea(setUUID)
    }

    private func makeArea(_ uuid: String) throws -> String {
        guard let area = folder.area(uuid) else { throw Refusal("Invalid set-uuid: \(uuid)") }
        try Disk.makeFolder(area)
        return uuid
    }

    /// Stores the fields; an area that was initialised before keeps its files. Bad options delete it.
    func initialise(_ uuid: String, form: [String: String]) throws {
        guard let area = folder.area(uuid), Disk.isFolder(area) else { throw Refusal.unknownArea }
        if !knobs.refuseInit.isEmpty {
            Disk.remove(area)
            throw Refusal(knobs.refuseInit)
        }
        do {
            try Disk.write(InitFields(form: form, now: now).text, to: area + "/body.json")
        } catch {
            Disk.remove(area)
            throw error
        }
    }

    /// The folder that takes the files of an initialised upload.
    func area(_ uuid: String) throws(Refusal) -> String {
        guard folder.fields(of: uuid) != nil, let area = folder.area(uuid) else { throw Refusal.unknownArea }
        return area
    }

    /// The folder of an upload in one request, whose fields may come after its files.
    func openedArea(_ uuid: String) throws(Refusal) -> String {
        guard let area = folder.area(uuid) else { throw Refusal.unknownArea }
        return area
    }

    /// Notes a file that is listed now.
    func received(_ file: Journal.ReceivedFile, for uuid: String) { journal.received(file, for: uuid, at: now) }

    /// Forgets an upload.
    func discardArea(_ uuid: String) {
        if let area = folder.area(uuid) { Disk.remove(area) }
    }

    /// `/task/new`: NodeODM checks the number of images before it answers.
    func commitNew(_ uuid: String) throws {
        let count = folder.files(of: uuid).count
        let hasURL = folder.fields(of: uuid)?.zipurl != nil
        guard count > 0 || hasURL else {
            discardArea(uuid)
            throw Refusal("Need at least 1 file or a zip file url.")
        }
        if let limit = knobs.maxImages, count > limit {
            discardArea(uuid)
            throw Refusal(Self.tooMany(count, limit))
        }
        try accept(uuid)
    }

    /// `/task/new/commit`: the area becomes a task; a second commit finds no area any more.
    func commit(_ uuid: String) throws {
        guard folder.fields(of: uuid) != nil else { throw Refusal.unknownArea }
        if !knobs.refuseCommit.isEmpty {
            discardArea(uuid)
            throw Refusal(knobs.refuseCommit)
        }
        guard !folder.files(of: uuid).isEmpty else {
            discardArea(uuid)
            throw Refusal.noFile
        }
        try accept(uuid)
    }

    private func accept(_ uuid: String) throws {
        guard let fields = folder.fields(of: uuid) else { throw Refusal.unknownArea }
        var task = SimulatedTask(
            uuid: uuid, name: fields.name, dateCreated: fields.dateCreated, options: fields.options,
            imagesCount: fields.zipurl == nil ? folder.files(of: uuid).count : 0)
        task.outputs = fields.outputs
        task.webhook = fields.webhook
        task.skipPostProcessing = fields.skipPostProcessing
        try folder.commit(uuid)
        table.add(task)
        journal.committed(uuid, at: now)
        changed()
        let zipurl = fields.zipurl
        work[uuid] = Task(executorPreference: loop) { await self.prepare(uuid, zipurl: zipurl) }
    }

    /// Initialises a task in the background: 20 becomes 10, or 30.
    private func prepare(_ uuid: String, zipurl: String?) async {
        let end = now + Int64(knobs.initSeconds * 1000)
        while now < end, (try? await clock.sleep(for: .milliseconds(min(100, end - now)))) != nil {}
        let limit = knobs.maxImages
        let folder = folder
        let failure: String?
        do {
            if let zipurl {
                let file = folder.project(uuid) + "/upload/zipurl.zip"
                try await PlainHTTP(url: zipurl, pool: pool).download(to: file)
            }
            let count = try await pool.run { try folder.sortUploads(of: uuid) }
            if let limit, count > limit {
                failure = Self.tooMany(count, limit)
            } else {
                failure = nil
                _ = table.change(uuid) { $0.initialised(images: count) }
            }
        } catch {
            failure = (error as? SimulatorError)?.message ?? "Could not process the uploaded files"
        }
        if let failure { _ = table.change(uuid) { $0.initialisationFailed(failure) } }
        changed()
        fillSlots()
    }

    private static func tooMany(_ count: Int, _ limit: Int64) -> String {
        "\(count) images uploaded, but this node can only process up to \(limit)."
    }
}
