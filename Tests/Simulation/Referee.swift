import Model
import Record
import TestSupport

@testable import Gateway

/// Looks at everything after every step, and knows what must never be.
///
/// Invariant of `@unchecked Sendable`: used on the thread of its world only.
final class Referee: @unchecked Sendable {
    private unowned let world: World
    private var records: [String: TaskRecord] = [:]
    private var attempts: [AttemptKey: AttemptRecord] = [:]
    private var fenced: Set<AttemptKey> = []
    private var fences: [TaskID: Int] = [:]
    /// How often each task was wanted to run: 1, and one more for each restart.
    private var wishes: [TaskID: Int] = [:]
    /// How often an operator may have moved each task. A run that ends by itself in the moment of its cancel can't be told from
    /// one that was ended: nodes show 50 for both.
    private var moves: [TaskID: Int] = [:]
    private(set) var runs: [Run] = []
    private(set) var looks = 0

    init(_ world: World) { self.world = world }

    private var store: TaskStore { TaskStore(world.database) }

    // MARK: The record

    /// A transition of these tasks was committed, and nobody knows of it yet.
    func look(at tasks: [String]) async {
        guard !tasks.isEmpty else { return }
        // Also where the transition's own task is cancelled, which then couldn't read.
        await Task(executorPreference: world.loop) { [self] in
            do {
                for task in Set(tasks).sorted() { try await look(at: task) }
                try await countSlots()
            } catch {
                world.blame("the record can't be read: \(error)")
            }
        }.value
    }

    private func look(at task: String) async throws {
        guard let id = TaskID(task) else { return world.blame("a task without a name changed") }
        looks += 1
        let client = world.clients.first { $0.id == id }
        guard let record = try await store.record(of: id) else {
            records[task] = nil
            if let client { world.missing(client, "a look into the record") }
            return
        }
        let all = try await store.attempts(of: id)
        for violation in RecordInvariants.violations(of: record, all) { world.blame(violation) }
        judge(record, client)
        wishes[id] = max(wishes[id, default: 1], record.run)
        for attempt in all { judge(attempt) }
        records[task] = record
        world.say {
            let live = record.attempt.map { " \($0.attempt.number) \($0.backend) \($0.state)" } ?? ""
            return "record: \(task.prefix(8)) \(record.state) \(record.intent)\(live)"
        }
    }

    private func judge(_ record: TaskRecord, _ client: Client?) {
        guard let client, record.intent != .remove else { return }
        if client.isCanceled, record.shownCode != .canceled {
            world.blame("\(record.id) was cancelled and shows \(record.shownCode)")
        }
        guard let old = records[record.id.key], old.state.isFinal, old.run == record.run else { return }
        if record.state != old.state, !(client.isCanceling && record.state == .canceled) {
            world.blame("\(record.id) was \(old.state) and became \(record.state)")
        }
    }

    private func judge(_ attempt: AttemptRecord) {
        let key = attempt.key
        if attempt.isFenced, fenced.insert(key).inserted { fences[key.task, default: 0] += 1 }
        defer { attempts[key] = attempt }
        guard let old = attempts[key], old != attempt else { return }
        if Self.rank(attempt.state) >= Self.rank(old.state) { return }
        // Rewritten in place, where nothing was sent; or taken back, where it was fenced.
        if old.state == .ended, attempt.state == .recorded, old.sendingAt == nil, old.committingAt == nil { return }
        if old.state == .ended, attempt.state == .accepted, old.isFenced {
            // Fenced once more it would count once more.
            fenced.remove(key)
            return
        }
        world.blame("attempt \(key.number) of \(key.task) went from \(old.state) to \(attempt.state)")
    }

    private static func rank(_ state: Attempt.State) -> Int {
        switch state {
        case .recorded: 0
        case .sending: 1
        case .committing: 2
        case .accepted: 3
        case .ended: 4
        }
    }

    /// No backend is given more tasks than it has slots, but for those that it brought back itself.
    private func countSlots() async throws {
        var taken: [String: Int] = [:]
        for record in try await store.live() {
            guard let attempt = record.liveAttempt, !attempt.isPrefetch, !hasReturned(attempt) else { continue }
            taken[attempt.backend.string, default: 0] += 1
        }
        for server in world.servers where taken[server.name, default: 0] > server.slots {
            world.blame("\(server.name) has \(server.slots) slots and was given \(taken[server.name] ?? 0) tasks")
        }
    }

    private func hasReturned(_ attempt: AttemptRecord) -> Bool { fences[attempt.attempt.task] != nil }

    // MARK: Backends

    /// The record must know it before the commit leaves.
    func commitLeaves(_ attempt: Attempt) {
        let known = attempts[AttemptKey(task: attempt.task, number: attempt.number)]
        guard known?.committingAt == nil else { return }
        world.blame(
            "a commit of \(attempt.task) left, and the record has it \(known.map { "\($0.state)" } ?? "nowhere")")
    }

    func committed(_ attempt: Attempt, on backend: String) {
        world.say { "\(backend): got \(attempt.backendTask.string.prefix(8)) of \(attempt.task.string.prefix(8))" }
    }

    func began(_ run: Run) {
        world.mix(run.name)
        world.say { "\(run.backend): \(run.name.prefix(8)) of \(run.task.string.prefix(8)) runs" }
        runs.append(run)
        guard !run.isGhost else { return }
        let now = runs.count { $0.task == run.task && $0.end == nil && !$0.isGhost }
        if now > 1 + fences[run.task, default: 0] {
            world.blame("\(run.task) runs \(now) times at once")
        }
    }

    // MARK: The operator

    func mayMove(_ task: TaskID) { moves[task, default: 0] += 1 }
    func didNotMove(_ task: TaskID) { moves[task, default: 0] -= 1 }

    // MARK: Storage

    /// Only what is over, or on its way out, may lose its inputs.
    func inputsRemoved(of task: String) {
        guard let record = records[task], record.intent != .remove else { return }
        if !record.state.isFinal { world.blame("the inputs of \(task), which is \(record.state), were deleted") }
    }

    func inputIsMissing(_ key: String) {
        guard let record = records[String(key.prefix { $0 != "/" })], record.intent != .remove else { return }
        if !record.state.isFinal, record.liveAttempt != nil {
            world.blame("an input that is to be sent is gone: \(key)")
        }
    }

    // MARK: The end

    /// What isn't as it has to be once all trouble is over; empty: the world may end.
    func unsettled() async throws -> [String] {
        var open: [String] = []
        for client in world.clients where client.isCommitted {
            let record = try await store.record(of: client.id)
            if let record, record.intent == .remove || !record.state.isFinal {
                open.append("\(client.id) is \(record.state), \(record.intent)")
            }
            if client.isRemoving, record != nil { open.append("\(client.id) isn't removed") }
        }
        for client in world.clients where !client.isCommitted { open.append("\(client.id) isn't committed") }
        for (backend, count) in try await Cleanups(world.database).counts() {
            open.append("\(count) clean-ups on \(backend)")
        }
        for server in world.servers {
            let name = BackendName(recorded: server.name)
            for attempt in try await store.fenced(on: name) { open.append("attempt \(attempt.key) is fenced") }
            for area in server.openAreas { open.append("\(server.name) has the upload area \(area)") }
            for copy in server.unwanted {
                if !copy.isOver { open.append("\(server.name) still has \(copy.name) of \(copy.task)") }
                let attempts = try await store.attempts(of: copy.task)
                let isKnown = attempts.contains {
                    $0.backend == name && $0.backendTask.string == copy.name && $0.mayHaveCopy
                }
                if !isKnown { open.append("\(server.name) keeps \(copy.name) of \(copy.task), which nobody knows") }
            }
        }
        return open
    }

    /// How often each task was run to its end, beside how often it was asked for.
    func countRuns() {
        for client in world.clients {
            let ended = runs.filter {
                $0.task == client.id && $0.end == .byItself && !$0.isGhost && !$0.isSpoiled && !$0.isForgotten
            }
            let wanted = wishes[client.id, default: 1]
            let most = wanted + fences[client.id, default: 0] + moves[client.id, default: 0]
            if ended.count > most {
                world.blame("\(client.id) was run to its end \(ended.count) times, wanted \(wanted)")
            }
        }
    }
}
