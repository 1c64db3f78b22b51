internal import Model
internal import NodeODM
internal import Reactor
internal import Record

/// What a client or an operator may ask of a task: recorded and answered at once, carried out by the control plane.
struct TaskActions: Sendable {
    let lookup: TaskLookup
    let store: TaskStore
    let clock: any WorldClock
    /// What a token's tasks may have counts for a restart too (contract, item 78).
    let images: ImageLimit
    /// Told of the task of which something is wished: the dispatcher stops its transfer or tells its backend.
    let wishes: @Sendable (TaskID) -> Void

    /// Ends a task.
    /// - Parameters:
    ///   - id: the task.
    ///   - scope: whose tasks the caller sees.
    ///   - unfinishedOnly: whether one that is over is refused; NodeODM makes also such a one canceled.
    /// - Throws: `notDone` with the reason; the record's errors.
    func cancel(_ id: TaskID, for scope: OwnerScope, unfinishedOnly: Bool = false) async throws {
        switch try await store.requestCancel(id, for: scope, unfinishedOnly: unfinishedOnly, at: now) {
        case .unknown: throw Self.unknown(id)
        case .over(let state): throw APIError.notDone("The task is over: it is \(state.rawValue).")
        case .canceled, .pending, .alreadyCanceled: break
        }
        try await refresh(id)
    }

    /// Forgets a task.
    /// - Throws: as ``cancel(_:for:unfinishedOnly:)``.
    func remove(_ id: TaskID, for scope: OwnerScope) async throws {
        if try await store.requestRemove(id, for: scope, at: now) == .unknown { throw Self.unknown(id) }
        lookup.mirror.remove(id)
        wishes(id)
    }

    /// Begins a task anew.
    /// - Parameters:
    ///   - id: the task; over, or being cancelled.
    ///   - scope: whose tasks the caller sees.
    ///   - newOptions: the options as JSON text; nil keeps the old ones.
    /// - Throws: as ``cancel(_:for:unfinishedOnly:)``.
    func restart(
        _ id: TaskID, for scope: OwnerScope, options newOptions: (TaskRecord) throws -> String? = { _ in nil }
    ) async throws {
        guard let record = try await store.record(of: id, for: scope), record.isCommitted else {
            throw Self.unknown(id)
        }
        if let refusal = images.refusalByToken(of: record.images, by: record.owner) { throw APIError.notDone(refusal) }
        let options = try newOptions(record)
        let place = try await home(of: record, options: options ?? record.options)
        switch try await store.requestRestart(id, for: scope, options: options, boundTo: place, at: now) {
        case .queued, .afterCancel: break
        case .running: throw APIError.notDone("Task cannot be restarted")
        case .inputsExpired: throw APIError.notDone("The images of this task were removed after its end; upload again")
        case .noProject: throw APIError.notDone(ProjectOwner.gone)
        case .unknown: throw Self.unknown(id)
        }
        _ = try? await store.say(CommitHandler.firstLine, of: id, at: now)
        try await refresh(id)
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

    private func refresh(_ id: TaskID) async throws {
        if let record = try await store.record(of: id) {
            lookup.mirror.replace(lookup.snapshot(of: record))
        }
        wishes(id)
    }

    private static func unknown(_ id: TaskID) -> APIError { .notDone("\(id.string) not found") }
    private var now: Timestamp { clock.timestamp }
}
