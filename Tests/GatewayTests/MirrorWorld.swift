import Model
import NodeODM
import Observability
import Reactor
import Record
import SQL
import Synchronization
import TestSupport

@testable import Gateway

/// A mirror over a record in memory, a clock that is turned by hand, and a backend that answers what a test says.
///
/// Everything runs on one loop and nothing waits for another thread, so a test sees each step's whole consequence.
struct MirrorWorld: Sendable {
    static let name = BackendName(recorded: "fra")

    let loop: EventLoop
    let clock = ManualClock()
    let database: WatchedDatabase
    let record: RoutingRecord
    let backend = MirrorBackend(MirrorWorld.name)
    let parts: DispatchParts
    let refresher: MirrorRefresher

    var store: TaskStore { record.tasks }
    var mirror: StatusMirror { parts.mirror }
    var now: Timestamp { clock.timestamp }

    /// Runs a test's body in a new world, on the world's loop; with `isEmpty` no backend is listed.
    static func run(
        onVanished: FleetMember.OnVanished = .rerun, mirror: StatusMirror? = nil, isEmpty: Bool = false,
        _ body: @escaping @Sendable (MirrorWorld) async throws -> Void
    ) async throws {
        try await LoopRunner.onLoop { loop in
            var configuration = SQLiteDatabase.Configuration()
            configuration.isInline = true
            let database = WatchedDatabase(
                try await SQLiteDatabase.open(path: ":memory:", configuration: configuration))
            let record = try await RoutingRecord(opening: database, random: SystemRandomBits())
            try await body(MirrorWorld(loop, database, record, onVanished, mirror, isEmpty))
            await database.close()
        }
    }

    private init(
        _ loop: EventLoop, _ database: WatchedDatabase, _ record: RoutingRecord, _ onVanished: FleetMember.OnVanished,
        _ mirror: StatusMirror?, _ isEmpty: Bool
    ) {
        self.loop = loop
        self.database = database
        self.record = record
        let member = FleetMember(
            FleetMember.Definition(
                name: Self.name, kind: .nodeodm, tier: 0, weight: 1, labels: [:], onVanished: onVanished,
                url: "http://node1.example.org"),
            backend: backend)
        let changes = LiveChanges()
        let mirror = mirror ?? StatusMirror(changes: changes)
        let fleet = Fleet(isEmpty ? [] : [member], offlineAfter: 3, changes: changes)
        var parts = DispatchParts(
            store: record.tasks, mirror: mirror,
            lookup: TaskLookup(mirror: mirror, store: record.tasks, fleet: fleet, clock: clock), fleet: fleet,
            durable: Durable(clock: clock), clock: clock, random: SystemRandomBits(), logger: .silent,
            placement: WakeUp(), cleaning: WakeUp(), webhookWake: WakeUp(), attemptLimit: 5,
            impossibleAfter: .seconds(3600), webhooks: WebhookPolicy())
        parts.changes = changes
        self.parts = parts
        refresher = MirrorRefresher(parts: parts, policy: ReadingPolicy(refresh: .seconds(1)), loop: loop)
    }

    /// A committed task, in the mirror too.
    func queued(_ name: String, images: Int = 1) async throws -> TaskID {
        guard let id = TaskID(name) else { preconditionFailure("'\(name)' is no identity; the test is wrong") }
        _ = try await store.create(NewTask(id: id, name: name, dateCreated: now), at: now)
        for number in 0..<images {
            let file = InputFile(name: "\(number).jpg", size: 10, digest: "d\(number)", storageKey: "\(name)/\(number)")
            _ = try await store.addFile(file, to: id, for: .everything, at: now)
        }
        _ = try await store.commit(id, for: .everything, at: now)
        await parts.refresh(id)
        return id
    }

    /// A task that the backend has accepted and runs, with as many images as it counts.
    func placed(_ name: String, _ job: MirrorBackend.Job = .init()) async throws -> TaskID {
        let id = try await queued(name, images: job.images)
        let begun = try await store.begin(id, on: Self.name, reason: "free slot", at: now) { _ in BackendTaskID(name) }
        guard case .begun(let attempt) = begun else { preconditionFailure("not begun: \(begun)") }
        _ = try await store.markSending(attempt.key, at: now)
        _ = try await store.markCommitting(attempt.key, at: now)
        _ = try await store.markAccepted(attempt.key, at: now)
        backend[name] = job
        await parts.refresh(id)
        return id
    }

    /// Runs the reader of the backend beside the body, and ends it.
    func reading(_ body: () async throws -> Void) async throws {
        guard let member = parts.fleet.member(Self.name) else { return }
        let reader = BackendReader(member, refresher)
        let service = Task(executorPreference: loop) { try await reader.run() }
        await settle()
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
        service.cancel()
        try? await service.value
        try outcome.get()
    }

    /// Counts the wake-ups from now on.
    func countWakes(of wake: WakeUp) async -> WakeCount {
        let counter = WakeCount()
        // Ends with the wake-up's owner, at the end of the test.
        Task(executorPreference: loop) { for await _ in wake.wakeUps() { counter.add() } }
        await settle()
        counter.reset()
        return counter
    }

    /// Lets everything run that can run without time going on.
    func settle() async { for _ in 0..<300 { await Task.yield() } }

    /// Lets time go on, step by step, and everything happen that it brings.
    func pass(_ duration: Duration, by step: Duration = .milliseconds(100)) async {
        var rest = duration
        while rest > .zero {
            clock.advance(by: min(rest, step))
            rest -= step
            await settle()
        }
    }

    /// What the record has of a task.
    func recorded(_ id: TaskID) async throws -> TaskRecord {
        guard let record = try await store.record(of: id) else { preconditionFailure("no task \(id)") }
        return record
    }

    /// The code that clients see.
    func shown(_ id: TaskID) -> StatusCode? { mirror.task(id)?.record.shownCode }

    /// All console lines, as a client gets them.
    func lines(_ id: TaskID) async throws -> [String] {
        let task = try await parts.lookup.task(id, for: .everybody)
        return try await parts.lookup.lines(.everything, of: task)
    }
}

/// How often somebody was woken.
final class WakeCount: Sendable {
    private let value = Mutex(0)
    var count: Int { value.withLock { $0 } }
    func add() { value.withLock { $0 += 1 } }
    func reset() { value.withLock { $0 = 0 } }
}
