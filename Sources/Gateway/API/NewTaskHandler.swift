internal import HTTPServer
internal import HTTPTypes
internal import Model
internal import Reactor
internal import Record

/// POST /task/new/init and POST /task/new.
struct NewTaskHandler: Sendable {
    let intake: TaskIntake
    let receiver: UploadReceiver
    let commit: CommitHandler
    let store: TaskStore
    let clock: any WorldClock

    /// Opens an upload.
    func initialize(_ call: APICall, _ body: RequestBody) async throws -> APIReply {
        try receiver.health.check()
        let id = try intake.identity(for: call.request)
        let form = try await TaskFormReader.readFields(call.request, body)
        let task = try await intake.task(id, from: form, of: call.caller)
        receiver.tally.forget(id)
        try await open(task)
        return .uuid(id.string)
    }

    /// Takes a whole task in one request: its files come before, between or after its fields (CloudODM sends them first).
    func create(_ call: APICall, _ body: RequestBody) async throws -> APIReply {
        let isJSON = call.request.fields[.contentType].map { $0.lowercased().hasPrefix("application/json") } ?? false
        do {
            return try await take(call, body)
        } catch APIError.refused(let text) where isJSON {
            throw APIError.badRequest(text)
        } catch APIError.notImplemented(let text) where !isJSON {
            throw APIError.refused(text)
        }
    }

    /// What is said of files beside a place on s3: pods would see only one of them.
    static let both = "Send files, or name a place on s3; a task can't have both."

    private func take(_ call: APICall, _ body: RequestBody) async throws -> APIReply {
        var id = try intake.identity(for: call.request)
        var isOpen = false
        do {
            // What an earlier task of this identity had doesn't count.
            receiver.tally.forget(id)
            try await receiver.prepare(for: id, body)
            var files = 0
            let form = try await TaskFormReader.read(call.request, body) { part in
                try intake.refuseFiles()
                if !isOpen {
                    try await open(NewTask(id: id, owner: call.caller.owner, name: "", dateCreated: now))
                    isOpen = true
                }
                try await receiver.receive(part, of: body, into: id, for: call.caller)
                files += 1
            }
            let namesID = call.request.fields["set-uuid"] != nil
            if try intake.objectStorage.fields(form) != nil {
                guard files == 0 else {
                    throw APIError.refused(Self.both)
                }
                if !namesID { id = intake.pipelineIdentity() }
            }
            let task = try await intake.task(id, from: form, of: call.caller)
            guard files > 0 || task.zipURL != nil || task.objectStorage != nil else {
                throw APIError.refused("Need at least 1 file or a zip file url.")
            }
            try await open(task)
            isOpen = true
            return try await commit.commit(id, for: call.caller)
        } catch {
            if isOpen { await commit.abandon(id, reason: "/task/new was refused or broke off") }
            throw error
        }
    }

    private func open(_ task: NewTask) async throws {
        switch try await store.create(task, at: now) {
        case .created, .overwritten: break
        case .exists: throw TaskIntake.invalidUUID(task.id.string)
        }
    }

    private var now: Timestamp { clock.timestamp }
}
