import Model
import Record

/// Makes random steps on a few tasks, some of them out of turn, as a gateway with bugs, retries and rivals would.
struct RandomLife: Sendable {
    let fixture: RecordFixture
    let random: SeededBits
    let names: [String]

    private static let backends = [RecordFixture.fra, RecordFixture.nyc, BackendName(recorded: "sfo")]

    /// One step; what it did, for the report of a failed check.
    func step(_ moment: Int64) async throws -> String {
        let task = fixture.task(names[pick(names.count)])
        let record = try await fixture.tasks.record(of: task)
        // Mostly the current attempt, sometimes an older one or one that never was.
        let current = record?.attempt?.attempt.number ?? 1
        let number = pick(8) == 0 ? 1 + pick(current + 1) : current
        let key = AttemptKey(task: task, number: number)
        let at = fixture.at(moment)
        switch pick(100) {
        case ..<10: return try await arrive(task, at)
        case ..<55: return try await advance(record, key, at)
        case ..<75: return try await attempt(key, at)
        case ..<85: return try await end(key, at)
        case ..<90: return try await settleFenced(at)
        default: return try await control(key, at)
        }
    }

    /// The step whose turn it is, so that lives get somewhere.
    private func advance(_ record: TaskRecord?, _ key: AttemptKey, _ at: Timestamp) async throws -> String {
        let tasks = fixture.tasks
        guard let record, record.intent != .remove else {
            return record == nil
                ? try await arrive(key.task, at) : "delete: \(try await tasks.delete(key.task, at: at))"
        }
        if record.intent == .cancel, pick(2) == 0 {
            return "restart: \(try await tasks.requestRestart(key.task, for: .owner("a"), at: at))"
        }
        if record.state == .receiving { return try await arrive(key.task, at) }
        if record.state.isFinal {
            return "restart: \(try await tasks.requestRestart(key.task, for: .owner("a"), at: at))"
        }
        guard let live = record.liveAttempt else { return try await begin(key, at) }
        switch live.state {
        case .recorded where live.isInPlace, .sending where !live.isPrefetch:
            return "committing: \(try await tasks.markCommitting(live.key, at: at))"
        case .recorded: return "sending: \(try await tasks.markSending(live.key, at: at))"
        case .sending: return "promote: \(try await tasks.promote(live.key, at: at))"
        case .committing: return "accepted: \(try await tasks.markAccepted(live.key, at: at))"
        case .accepted where pick(4) == 0:
            return "cancel: \(try await tasks.requestCancel(key.task, for: .owner("a"), at: at))"
        case .accepted, .ended: return try await end(live.key, at)
        }
    }

    private func begin(_ key: AttemptKey, _ at: Timestamp) async throws -> String {
        let manner = [AttemptManner.fresh, .fresh, .prefetch, .inPlace][pick(4)]
        let unique = random.next()
        let outcome = try await fixture.tasks.begin(
            key.task, on: Self.backends[pick(3)], manner, reason: "random", at: at
        ) { _ in BackendTaskID("\(unique)") }
        guard case .begun(let attempt) = outcome else { return "begin \(manner): \(outcome)" }
        return "begin \(manner): \(attempt.attempt)"
    }

    private func pick(_ count: Int) -> Int { Int(random.next() % UInt64(max(1, count))) }

    private func arrive(_ task: TaskID, _ at: Timestamp) async throws -> String {
        let tasks = fixture.tasks
        let new = NewTask(
            id: task, owner: "a", name: "random", webhook: "http://hooks.example.org/", dateCreated: at)
        switch pick(4) {
        case 0: return "create \(task): \(try await tasks.create(new, at: at))"
        case 1:
            let file = fixture.file("a.jpg", "digest \(pick(3))")
            return "add \(task): \(try await tasks.addFile(file, to: task, for: .owner("a"), at: at))"
        case 2: return "commit \(task): \(try await tasks.commit(task, for: .owner("a"), at: at))"
        default:
            _ = try await tasks.create(new, at: at)
            _ = try await tasks.addFile(fixture.file("b.jpg"), to: task, for: .owner("a"), at: at)
            return "arrive \(task): \(try await tasks.commit(task, for: .owner("a"), at: at))"
        }
    }

    private func attempt(_ key: AttemptKey, _ at: Timestamp) async throws -> String {
        let tasks = fixture.tasks
        switch pick(8) {
        case 0, 1, 2: return try await begin(key, at)
        case 3: return "sending \(key): \(try await tasks.markSending(key, at: at))"
        case 4: return "promote \(key): \(try await tasks.promote(key, at: at))"
        case 5: return "committing \(key): \(try await tasks.markCommitting(key, at: at))"
        case 6: return "accepted \(key): \(try await tasks.markAccepted(key, at: at))"
        default: return "rename \(key): \(try await tasks.rename(key, to: .init("\(random.next())"), at: at))"
        }
    }

    private func end(_ key: AttemptKey, _ at: Timestamp) async throws -> String {
        let tasks = fixture.tasks
        let code = [StatusCode.completed, .failed, .canceled][pick(3)]
        switch pick(5) {
        case 0, 1: return "finish \(key): \(try await tasks.finish(key, TaskEnd(code: code), at: at))"
        case 2:
            let isSent = try await tasks.attempts(of: key.task).contains { $0.key == key && $0.state == .sending }
            let release = Release(
                proof: .nothingCommitted, isCounted: pick(2) == 0, reason: "random", limit: 3,
                passesOver: pick(2) == 0, leftover: isSent ? .discard : nil)
            return "release \(key): \(try await tasks.release(key, release, at: at))"
        case 3:
            let proofs: [Release.Proof] = [.backendDisowns, .vanished, .seenEnded]
            let release = Release(proof: proofs[pick(3)], isCounted: pick(2) == 0, reason: "random", limit: 3)
            return "leave \(key): \(try await tasks.release(key, release, at: at))"
        default: return "fence \(key): \(try await tasks.fence(key, reason: "silent", at: at))"
        }
    }

    /// The backend of a fenced attempt is back.
    private func settleFenced(_ at: Timestamp) async throws -> String {
        let fenced = try await fixture.tasks.fenced(on: Self.backends[pick(3)])
        guard !fenced.isEmpty else { return "nothing is fenced" }
        let key = fenced[pick(fenced.count)].key
        if pick(2) == 0 { return "adopt \(key): \(try await fixture.tasks.adopt(key, reason: "back", at: at))" }
        return "drop \(key): \(try await fixture.tasks.dropFenced(key, at: at))"
    }

    private func control(_ key: AttemptKey, _ at: Timestamp) async throws -> String {
        let tasks = fixture.tasks
        let task = key.task
        switch pick(12) {
        case 0, 1, 2: return "cancel \(task): \(try await tasks.requestCancel(task, for: .owner("a"), at: at))"
        case 3, 4, 5:
            let boundTo = pick(3) == 0 ? Self.backends[pick(3)] : nil
            let outcome = try await tasks.requestRestart(task, for: .owner("a"), boundTo: boundTo, at: at)
            return "restart \(task): \(outcome)"
        case 6: return "remove \(task): \(try await tasks.requestRemove(task, for: .owner("a"), at: at))"
        case 7: return "delete \(task): \(try await tasks.delete(task, at: at))"
        case 8: return "fail \(task): \(try await tasks.failQueued(task, reason: "random", at: at))"
        case 9:
            _ = try await (tasks.adopt(key, reason: "out of turn", at: at), tasks.dropFenced(key, at: at))
            return "adopt and drop \(key) out of turn"
        case 10: return "abandon \(task): \(try await tasks.abandonUpload(task, reason: "random", at: at))"
        default: return "expire \(task): \(try await tasks.expire(task, keptFromBefore: at, at: at))"
        }
    }
}
