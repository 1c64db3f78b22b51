import Model
import Record
import SQL
import Synchronization
import TestSupport

/// A record in a scratch database, with short ways to bring tasks into a state.
struct RecordFixture: Sendable {
    let record: RoutingRecord
    var tasks: TaskStore { record.tasks }

    static let fra = BackendName(recorded: "fra")
    static let nyc = BackendName(recorded: "nyc")

    /// Runs a test's body on an empty record of the kind.
    static func with(_ scratch: ScratchDatabase, _ body: (RecordFixture) async throws -> Void) async throws {
        try await scratch.withDatabase { database async throws in
            try await body(RecordFixture(record: RoutingRecord(opening: database, random: SeededBits(1))))
        }
    }

    func at(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: 1_700_000_000_000 + milliseconds) }

    func task(_ name: String) -> TaskID {
        guard let task = TaskID(name) else { preconditionFailure("'\(name)' is no identity; the test is wrong") }
        return task
    }

    func file(_ name: String, _ digest: String = "d1", size: Int64 = 10) -> InputFile {
        InputFile(name: name, size: ByteCount(size), digest: digest, storageKey: "\(name)-\(digest)")
    }

    @discardableResult
    func create(
        _ name: String, owner: String? = nil, webhook: String? = nil, priority: Int = 0, at moment: Int64 = 0
    ) async throws -> TaskID {
        let id = task(name)
        _ = try await tasks.create(
            NewTask(
                id: id, owner: owner, name: "name of \(name)", options: #"[{"name":"dsm","value":true}]"#,
                webhook: webhook, dateCreated: at(moment), priority: priority), at: at(moment))
        return id
    }

    @discardableResult
    func queued(
        _ name: String, owner: String? = nil, webhook: String? = nil, priority: Int = 0, at moment: Int64 = 0
    ) async throws -> TaskID {
        let id = try await create(name, owner: owner, webhook: webhook, priority: priority, at: moment)
        _ = try await tasks.addFile(file("a.jpg"), to: id, for: .everything, at: at(moment))
        _ = try await tasks.commit(id, for: .everything, at: at(moment))
        return id
    }

    /// Begins an attempt and gives its key; fails the test otherwise.
    func begin(
        _ task: TaskID, on backend: BackendName = fra, _ manner: AttemptManner = .fresh, at moment: Int64 = 0
    ) async throws -> AttemptKey {
        let outcome = try await tasks.begin(task, on: backend, manner, reason: "free slot", at: at(moment)) { number in
            BackendTaskID("\(task.key)-\(number)")
        }
        guard case .begun(let attempt) = outcome else { throw FixtureError(message: "not begun: \(outcome)") }
        return attempt.key
    }

    /// A task that runs on a backend.
    func placed(
        _ name: String, webhook: String? = nil, on backend: BackendName = fra
    ) async throws -> AttemptKey {
        let key = try await begin(try await queued(name, webhook: webhook), on: backend)
        try await accept(key)
        return key
    }

    /// Brings a recorded attempt to its acceptance.
    func accept(_ key: AttemptKey) async throws {
        _ = try await tasks.markSending(key, at: at(1))
        guard try await tasks.markCommitting(key, at: at(2)), try await tasks.markAccepted(key, at: at(3)) else {
            throw FixtureError(message: "not accepted: \(key)")
        }
    }

    func read(_ task: TaskID) async throws -> TaskRecord {
        guard let record = try await tasks.record(of: task) else { throw FixtureError(message: "no task \(task)") }
        return record
    }

    func kinds(of task: TaskID) async throws -> [EventKind] {
        try await record.events.events(of: task).map(\.kind)
    }

    func cleanups(on backend: BackendName) async throws -> [String] {
        try await record.cleanups.due(on: backend, at: at(1_000_000)).map { "\($0.kind) \($0.backendTask)" }
    }
}

/// Randomness from a seed: splitmix64.
final class SeededBits: RandomBits, RandomNumberGenerator {
    private let state: Atomic<UInt64>

    init(_ seed: UInt64) { state = Atomic(seed) }

    func next() -> UInt64 {
        var bits = state.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}

/// Runs `count` bodies at once and gives their results.
func race<T: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) async throws -> T) async throws -> [T] {
    try await withThrowingTaskGroup(of: T.self) { group in
        for index in 0..<count { group.addTask { try await body(index) } }
        var results: [T] = []
        for try await result in group { results.append(result) }
        return results
    }
}

/// A step of a test's preparation that didn't work.
struct FixtureError: Error {
    let message: String
}

/// Batches of one.
extension TaskStore {
    func write(_ progress: TaskProgress, at: Timestamp) async throws(RecordError) -> Bool {
        try await save(progress: [progress], at: at).progress.contains(progress.attempt)
    }

    func append(_ lines: OutputLines, at: Timestamp) async throws(RecordError) -> Bool {
        try await save(progress: [], output: [lines], at: at).output.contains(lines.attempt)
    }
}
