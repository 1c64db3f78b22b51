internal import Model
internal import NodeODM
internal import Reactor
internal import Record
internal import Scheduling
internal import Storage

/// The end of an upload: POST /task/new/commit/{uuid}, and the second half of /task/new.
///
/// It answers only after the record is durable; from then on the gateway owns the task. Nothing is sent to a backend before the
/// answer (PyODM waits 30 s, and WebODM gives a task up whose commit timed out).
struct CommitHandler: Sendable {
    let lookup: TaskLookup
    let store: TaskStore
    let storage: any ObjectStore
    let health: StorageHealth
    let clock: any WorldClock
    let placement: WakeUp
    /// Wakes the fetcher.
    let fetching: WakeUp
    let images: ImageLimit
    /// Counts what uploads have.
    let tally: UploadTally

    /// The first console line of every task: split-merge takes a task with status 20 and no output for one that is stuck
    /// (contract, section 11).
    static let firstLine = "Launching... please wait! A backend is being chosen."
    /// The same of a task whose inputs are still to be fetched.
    static let fetchingLine = "Launching... please wait! The inputs are being fetched."

    func handle(_ call: APICall) async throws -> APIReply {
        guard let text = call.taskText, let id = TaskID(text) else { throw APIError.unknownUpload }
        return try await commit(id, for: call.caller)
    }

    /// Commits an upload.
    /// - Parameters:
    ///   - id: the upload.
    ///   - caller: its owner.
    /// - Returns: the task's uuid, also of a repeated commit.
    /// - Throws: `refused` as NodeODM does; the record's errors.
    func commit(_ id: TaskID, for caller: Caller) async throws -> APIReply {
        guard let record = try await store.record(of: id, for: caller.scope) else { throw APIError.unknownUpload }
        if record.state == .receiving { try health.check() }
        if record.state == .receiving { try await refuseTooMuch(record) }
        let isFetching = record.zipURL != nil
        switch try await store.commit(id, for: caller.scope, fetching: isFetching, at: now) {
        case .committed:
            tally.forget(id)
            try await enter(id, isFetching: isFetching)
        case .alreadyCommitted: break
        case .unknown: throw APIError.unknownUpload
        case .noFiles:
            await abandon(id, reason: "a commit without files")
            throw APIError.refused("Need at least 1 file.")
        }
        return .uuid(record.id.string)
    }

    /// Gives an upload up that was refused, with what was stored of it.
    func abandon(_ id: TaskID, reason: String) async {
        guard (try? await store.abandonUpload(id, reason: reason, at: now)) == true else { return }
        tally.forget(id)
        // What can't be removed now the cleaner removes: the record is there for as long as files are.
        guard (try? await storage.remove(prefix: id.key)) != nil else { return }
        _ = try? await store.delete(id, at: now)
    }

    private func enter(_ id: TaskID, isFetching: Bool) async throws {
        _ = try? await store.say(isFetching ? Self.fetchingLine : Self.firstLine, of: id, at: now)
        guard let record = try await store.record(of: id) else { return }
        lookup.mirror.put(lookup.snapshot(of: record))
        if isFetching { fetching.wake() } else { placement.wake() }
    }

    /// More images than any backend takes is told here, while the client still looks (contract, item 52); so is what several
    /// gateways together took too much of, and files that no kind of backend here takes.
    private func refuseTooMuch(_ record: TaskRecord) async throws {
        let files = try await store.files(of: record.id)
        let bytes = files.reduce(0) { $0 + $1.size.bytes }
        var refusal =
            bytes > tally.limit.bytes
            ? UploadReceiver.tooLarge(tally.limit)
            : images.refusal(of: files.count { $0.isImage } + record.images, by: record.owner)
        if record.objectStorage != nil, !files.isEmpty { refusal = NewTaskHandler.both }
        let needs = TaskNeeds(
            InputKinds(of: files), choosesOutputs: record.outputs != nil,
            ObjectStorageFields(recorded: record.objectStorage))
        refusal = refusal ?? images.fleet.refusal(of: needs, in: files)
        guard let refusal else { return }
        await abandon(record.id, reason: refusal)
        throw APIError.refused(refusal)
    }

    private var now: Timestamp { clock.timestamp }
}
