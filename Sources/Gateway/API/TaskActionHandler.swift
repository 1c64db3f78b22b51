internal import Backends
internal import HTTPServer
internal import Model
internal import NodeODM
internal import Reactor
internal import Record

/// POST /task/cancel, /task/remove and /task/restart: recorded and answered at once, carried out by the control plane.
struct TaskActionHandler: Sendable {
    let lookup: TaskLookup
    let intake: TaskIntake
    let store: TaskStore
    let clock: any WorldClock
    /// What a token's tasks may have counts for a restart too (contract, item 78).
    let images: ImageLimit
    /// Told of the task whose owner wants something: the dispatcher stops its transfer or tells its backend.
    let wishes: @Sendable (TaskID) -> Void

    func cancel(_ call: APICall, _ body: RequestBody) async throws -> APIReply {
        let (id, _) = try await task(call, body)
        return try await told {
            if try await store.requestCancel(id, for: call.caller.scope, at: now) == .unknown { throw Self.unknown(id) }
            try await refresh(id)
        }
    }

    func remove(_ call: APICall, _ body: RequestBody) async throws -> APIReply {
        let (id, _) = try await task(call, body)
        return try await told {
            if try await store.requestRemove(id, for: call.caller.scope, at: now) == .unknown { throw Self.unknown(id) }
            lookup.mirror.remove(id)
            wishes(id)
        }
    }

    func restart(_ call: APICall, _ body: RequestBody) async throws -> APIReply {
        let (id, form) = try await task(call, body)
        return try await told {
            guard let record = try await store.record(of: id, for: call.caller.scope), record.isCommitted else {
                throw Self.unknown(id)
            }
            if let refusal = images.refusalByToken(of: record.images, by: record.owner) {
                throw APIError.notDone(refusal)
            }
            let skips = record.skipPostProcessing
            let options = form.contains("options") ? try intake.options(form, skipPostProcessing: skips) : nil
            let place = try await home(of: record, options: options ?? record.options)
            switch try await store.requestRestart(id, for: call.caller.scope, options: options, boundTo: place, at: now)
            {
            case .queued, .afterCancel: break
            case .running: throw APIError.notDone("Task cannot be restarted")
            case .inputsExpired:
                throw APIError.notDone("The images of this task were removed after its end; upload again")
            case .noProject: throw APIError.notDone(ProjectOwner.gone)
            case .unknown: throw Self.unknown(id)
            }
            _ = try? await store.say(CommitHandler.firstLine, of: id, at: now)
            try await refresh(id)
        }
    }

    /// The only backend that can do it, where the options want to go on in the middle of an earlier run, or the images are gone.
    ///
    /// `rerun-from` empty or `dataset` starts from the images, which any backend can (rules: *Cancel, remove, restart*).
    private func home(of record: TaskRecord, options: String) async throws -> BackendName? {
        guard record.state.isFinal || record.intent == .cancel else { return nil }
        let list = (try? JSONValue(parsing: options)) ?? .null
        let stage = (list.array ?? []).first { $0["name"]?.text == "rerun-from" }?["value"]?.text ?? ""
        let needsProject = !stage.isEmpty && stage != "dataset"
        guard needsProject || record.inputsExpiredAt != nil else { return nil }
        let owner = ProjectOwner(lookup: lookup)
        if let home = try await owner.find(for: record.id) { return home }
        guard needsProject else { return nil }
        throw APIError.notDone(ProjectOwner.gone)
    }

    private func task(_ call: APICall, _ body: RequestBody) async throws -> (TaskID, TaskForm) {
        let form = try await TaskFormReader.readFields(call.request, body)
        guard let text = form.text("uuid"), !text.isEmpty else { throw APIError.refused("uuid param missing.") }
        guard let id = TaskID(asked: text) else { throw APIError.notDone("\(text) not found") }
        return (id, form)
    }

    /// WebODM ignores a false without a reason, and fails on a 503: so trouble of the record is told in words.
    private func told(_ body: () async throws -> Void) async throws -> APIReply {
        do {
            try await body()
            return .success
        } catch let error as RecordError where error.code == .away || error.code == .leaseLost {
            throw APIError.notDone("The gateway's database is away; try again.")
        }
    }

    private func refresh(_ id: TaskID) async throws {
        if let record = try await store.record(of: id) {
            lookup.mirror.replace(lookup.snapshot(of: record))
        }
        wishes(id)
    }

    private static func unknown(_ id: TaskID) -> APIError { .notDone("\(id.string) not found") }
    private var now: Timestamp { clock.timestamp }
}
