internal import HTTPTypes
internal import Model
internal import NodeODM
internal import Reactor
internal import Record

/// GET /api/tasks and /api/tasks/{uuid}: what every task is doing, and why.
struct TasksResource: Sendable {
    let store: TaskStore
    let events: EventLog
    let mirror: StatusMirror
    let fleet: Fleet
    let clock: any WorldClock
    /// Says why tasks wait now; without it they wait as their last event says.
    var dispatcher: Dispatcher?

    /// Where nobody says why a task waits now, that is a read of its own; a page with more of them shows the rest without.
    private static let reasonsPerPage = 100
    private static let limits = 1...1000
    /// What a list's query may have.
    static let parameters = ["state", "backend", "search", "owner", "limit", "after"]

    /// One page of a list: `{"tasks": […], "next": CURSOR or null}`, the newest first.
    /// - Parameter query: may have ``parameters``, of which `after` is the cursor of the page before.
    /// - Returns: one JSON object.
    /// - Throws: `AdminError` for what can't be read; the record's errors.
    func page(_ query: AdminQuery) async throws -> [UInt8] {
        var filter = TaskFilter()
        if let word = query["state"] { filter.state = try Self.state(word) }
        filter.backend = query["backend"].map { BackendName(recorded: $0) }
        filter.text = query["search"]
        filter.owner = query["owner"]
        let limit = try query.number("limit", in: Self.limits, usual: 100)
        var cursor: TaskCursor?
        if let text = query["after"] { cursor = try Self.page(after: text) }
        return try await write(try await store.page(filter, after: cursor, limit: limit))
    }

    private static func state(_ word: String) throws(AdminError) -> TaskState {
        if let state = TaskState(rawValue: word) { return state }
        let states = TaskState.allCases.map(\.rawValue).joined(separator: ", ")
        throw AdminError(.badRequest, "There is no state `\(word)`: `state` is one of \(states).")
    }

    private static func page(after text: String) throws(AdminError) -> TaskCursor {
        if let cursor = cursor(text) { return cursor }
        throw AdminError(.badRequest, "`after` must be the `next` of the page before.")
    }

    /// One task with its events.
    /// - Returns: nil where there is none.
    func task(_ text: String) async throws -> [UInt8]? {
        guard let id = TaskID(text), let record = try await store.record(of: id) else { return nil }
        let history = try await events.events(of: id)
        let attempts = try await store.attempts(of: id)
        var json = JSONWriter(reserving: 4096)
        json.beginObject()
        write(record, why: why(record, history, waiting: try await waiting([record])[id]), into: &json)
        write(attempts, into: &json)
        write(history, into: &json)
        json.endObject()
        return json.bytes
    }

    /// One task as a list shows it.
    /// - Parameters:
    ///   - record: the task.
    ///   - withReason: false saves the read of a waiting one's history.
    ///   - waiting: why it waits now, where that is known.
    /// - Returns: one JSON object.
    /// - Throws: the record's errors.
    func row(
        of record: TaskRecord, withReason: Bool = true, waiting: String? = nil
    ) async throws(RecordError) -> [UInt8] {
        let isAsked = record.state == .queued && withReason && waiting == nil
        let history = isAsked ? try await events.events(of: record.id) : []
        var json = JSONWriter(reserving: 512)
        json.beginObject()
        write(record, why: why(record, history, waiting: waiting), into: &json)
        json.endObject()
        return json.bytes
    }

    /// What is shown of a task that isn't there any more.
    static func removed(_ id: TaskID) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.member("uuid", id.string)
        json.member("state", "removed")
        json.endObject()
        return json.bytes
    }

    /// What a change of a task answers: `{"task": {…}}`.
    /// - Returns: nil where there is none, or it is being removed.
    func summary(_ id: TaskID) async throws(RecordError) -> [UInt8]? {
        guard let record = try await store.record(of: id, for: .everything) else { return nil }
        var json = JSONWriter(reserving: 512)
        json.beginObject()
        json.key("task")
        json.raw(try await row(of: record, waiting: try await waiting([record])[id]))
        json.endObject()
        return json.bytes
    }

    // MARK: Cursors

    /// Milliseconds and identity, as a client gives them back.
    static func text(of cursor: TaskCursor) -> String { "\(cursor.createdAt.milliseconds).\(cursor.key)" }

    /// Reads what `text(of:)` wrote.
    static func cursor(_ text: String) -> TaskCursor? {
        let parts = text.split(separator: ".", maxSplits: 1)
        guard parts.count == 2, let milliseconds = Int64(parts[0]), let id = TaskID(parts[1]) else { return nil }
        return TaskCursor(createdAt: Timestamp(milliseconds: milliseconds), key: id.key)
    }

    // MARK: JSON

    private func write(_ page: TaskPage) async throws -> [UInt8] {
        var json = JSONWriter(reserving: 4096)
        json.beginObject()
        json.key("tasks")
        json.beginArray()
        let waiting = try await waiting(page.tasks)
        var reads = 0
        for record in page.tasks {
            if record.state == .queued, waiting[record.id] == nil { reads += 1 }
            json.raw(
                try await row(of: record, withReason: reads <= Self.reasonsPerPage, waiting: waiting[record.id]))
        }
        json.endArray()
        json.key("next")
        if let next = page.next { json.string(Self.text(of: next)) } else { json.null() }
        json.endObject()
        return json.bytes
    }

    /// Why those of them that wait do so now: what stands in the way may have changed since it was noted in their events.
    private func waiting(_ records: [TaskRecord]) async throws(RecordError) -> [TaskID: String] {
        guard let dispatcher else { return [:] }
        return try await dispatcher.reasons(of: records.filter { $0.state == .queued }.map(\.id))
    }

    /// Why it is where it is; of a task on a backend that doesn't answer, that goes first.
    private func why(_ record: TaskRecord, _ history: [TaskEvent], waiting: String?) -> String {
        if record.state == .queued, !record.isFetching, let waiting { return waiting }
        guard record.state == .placed || record.state == .dispatching, let backend = record.attempt?.backend,
            let member = fleet.member(backend),
            let silence = member.offlineSince(offlineAfter: fleet.offlineAfter, clock)
        else { return Self.why(record, history) }
        guard record.state == .placed else { return "\(silence): \(member.offlineAdvice)" }
        let last = mirror.task(record.id)?.record ?? record
        let word = last.ownerCode == .queued ? "queued" : "running"
        return "\(silence) (last status: \(word), \(Int(last.progress)) %): \(member.offlineAdvice)"
    }

    /// Why it waits, why it failed, else why this backend was chosen.
    static func why(_ record: TaskRecord, _ history: [TaskEvent]) -> String {
        switch record.state {
        case .receiving: return "its files are arriving"
        case .queued:
            if record.isFetching { return "its zipurl is being fetched" }
            let last = history.last { !$0.detail.isEmpty && ![.initialized, .committed, .note].contains($0.kind) }
            return last?.detail ?? (record.isWaiting ? "no backend has a free slot" : "a backend is being chosen")
        case .failed: return record.errorMessage ?? ""
        case .dispatching, .placed, .completed, .canceled:
            guard let attempt = record.attempt else { return "" }
            if attempt.isLive, attempt.isMoving, record.intent == .none {
                return "it is being ended on \(attempt.backend), so that it can begin anew elsewhere"
            }
            return attempt.isHeld ? attempt.failure ?? "" : attempt.reason
        }
    }

    private func write(_ record: TaskRecord, why: String, into json: inout JSONWriter) {
        json.member("uuid", record.id.string)
        json.member("name", record.name)
        json.member("state", record.state.rawValue)
        json.member("code", record.shownCode.rawValue)
        json.member("images", record.images)
        json.key("progress")
        json.double(progress(of: record))
        json.member("createdAt", record.createdAt.milliseconds)
        if let keptFrom = record.keptFrom {
            json.member("keptFrom", keptFrom.milliseconds)
        }
        if let owner = record.owner {
            json.member("owner", owner)
        }
        if let attempt = record.attempt {
            json.member("backend", attempt.backend.string)
            json.member("reason", attempt.reason)
        }
        json.member("why", why)
    }

    private func progress(of record: TaskRecord) -> Double {
        record.state == .completed ? 100 : mirror.task(record.id)?.record.progress ?? record.progress
    }

    private func write(_ attempts: [AttemptRecord], into json: inout JSONWriter) {
        json.key("attempts")
        json.beginArray()
        for attempt in attempts {
            json.beginObject()
            json.member("number", attempt.attempt.number)
            json.member("backend", attempt.backend.string)
            json.member("backendTask", attempt.backendTask.string)
            json.member("state", attempt.state.rawValue)
            json.member("reason", attempt.reason)
            if let outcome = attempt.outcome {
                json.member("outcome", outcome.rawValue)
            }
            if let failure = attempt.failure {
                json.member("failure", failure)
            }
            json.endObject()
        }
        json.endArray()
    }

    private func write(_ events: [TaskEvent], into json: inout JSONWriter) {
        json.key("events")
        json.beginArray()
        for event in events {
            json.beginObject()
            json.member("at", event.at.milliseconds)
            json.member("time", event.at.iso8601)
            json.member("kind", event.kind.rawValue)
            if let attempt = event.attempt {
                json.member("attempt", attempt)
            }
            if let backend = event.backend {
                json.member("backend", backend.string)
            }
            json.member("detail", event.detail)
            json.endObject()
        }
        json.endArray()
    }
}
