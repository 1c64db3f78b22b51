import Model
import Observability
import Reactor
import Record
import SQL
import TestSupport
import Testing

@testable import Gateway

/// Two gateways on one PostgreSQL and the same nodes, each with a clock and a connection to the database of its own.
struct ReplicaWorld: Sendable {
    /// One of the two.
    struct Gateway: Sendable {
        let room: ControlRoom
        let keeper: LeaseKeeper
        let holder: String
        let services: [any Service]
        var duties: Duties { room.parts.duties }
        var store: TaskStore { room.store }
        var clock: ManualClock { room.clock }

        /// Whether it decides.
        var isInCharge: Bool { duties.isMine(.scheduling) }
    }

    let gateways: [Gateway]
    let nodes: [ScriptedBackend]
    let leases: Leases
    private let database: any Database

    /// Runs a test; the first gateway has all duties when it begins.
    static func with(
        prefetch: Int = 0, nodes make: @escaping @Sendable (ManualClock) -> [ScriptedBackend],
        _ body: @escaping @Sendable (ReplicaWorld) async throws -> Void
    ) async throws {
        try await LoopRunner.onLoop { loop in
            try await ScratchDatabase.postgresql.withDatabase { database in
                let nodes = make(ManualClock())
                var gateways: [Gateway] = []
                for name in ["a", "b"] { gateways.append(try await gateway(name, database, nodes, prefetch, loop)) }
                let world = ReplicaWorld(
                    gateways: gateways, nodes: nodes, leases: Leases(database), database: database)
                try await world.run(body)
            }
        }
    }

    private static func gateway(
        _ name: String, _ database: any Database, _ nodes: [ScriptedBackend], _ prefetch: Int, _ loop: EventLoop
    ) async throws -> Gateway {
        var settings = ControlRoom.Settings()
        settings.prefetch = prefetch
        let (clock, watched) = (ManualClock(), WatchedDatabase(database))
        let record = try await RoutingRecord(opening: watched, random: SystemRandomBits())
        let duties = Duties.shared(clock)
        let room = try await ControlRoom(
            record, watched, clock, nodes, settings, loop, duties: duties,
            fences: Fences(leases: record.leases, holder: "\(name) fences"))
        let keeper = LeaseKeeper(
            record.leases, duties, holder: name, backends: { nodes.map(\.name) }, clock: clock, logger: .silent)
        let (parts, dispatcher) = (room.parts, room.dispatcher)
        duties.whenChanged {
            for wake in [parts.placement, parts.cleaning] { wake.wake() }
            parts.mirror.wakeReaders()
            Task(executorPreference: loop) { await dispatcher.followDuties() }
        }
        let follower = RecordFollower(parts: parts) { id, record in
            await dispatcher.follow(id, record)
            for wake in [parts.placement, parts.cleaning] { wake.wake() }
        }
        let services: [any Service] = [
            follower, dispatcher, Cleaner(parts: parts, cleanups: record.cleanups, storage: NoStorage()),
            MirrorRefresher(parts: parts, policy: ReadingPolicy(refresh: .seconds(1)), loop: loop),
        ]
        return Gateway(room: room, keeper: keeper, holder: name, services: services)
    }

    private func run(_ body: (ReplicaWorld) async throws -> Void) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            for gateway in gateways {
                for service in [gateway.keeper] + gateway.services {
                    group.addTask {
                        do { try await service.run() } catch is CancellationError {}
                    }
                }
                // The first is to have everything.
                if gateway.holder == "a" {
                    try await until("the first gateway decides") { gateway.isInCharge }
                }
            }
            defer {
                for node in nodes { node.thaw() }
                group.cancelAll()
            }
            try await until("both live") { gateways.allSatisfy { $0.duties.isMine(.transferring) } }
            try await body(self)
        }
    }

    // MARK: Short ways

    var a: Gateway { gateways[0] }
    var b: Gateway { gateways[1] }
    var starts: Int { nodes.reduce(0) { $0 + $1.startCount } }

    /// What happens when a gateway is stopped, or can't renew: its leases run out by the database's clock. It can't reach the
    /// database from now on.
    func expire(_ gateway: Gateway) async throws {
        gateway.room.database.isAway = true
        try await database.execute(
            Statement("test.expire", "UPDATE leases SET held_until = 1 WHERE holder = $1")(.text(gateway.holder)))
        try await database.notify(channel: "scaleodm_leases", payload: gateway.holder)
    }

    /// The second gateway decides from now on, and the first lives, and goes on with what it carries out.
    func handDecisionsOver() async throws {
        try await database.execute(
            Statement(
                "test.hand_over", "UPDATE leases SET holder = 'b', number = number + 1 WHERE name = 'scheduler'")())
        try await until("the second decides", stepping: .milliseconds(100)) { b.isInCharge && !a.isInCharge }
    }

    /// Time goes on for everybody.
    func pass(_ duration: Duration) async throws {
        for _ in 0..<20 {
            for gateway in gateways {
                for _ in 0..<2000 where isLate(gateway) { try await Task.sleep(for: .milliseconds(2)) }
                gateway.clock.advance(by: duration / 20)
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Whether a gateway that reaches the database hasn't yet renewed its leases as it should have: time doesn't run away
    /// from it, or it would lose them for no reason of the test's.
    private func isLate(_ gateway: Gateway) -> Bool {
        guard !gateway.room.database.isAway, let lapse = gateway.duties.nextLapse else { return false }
        return lapse - gateway.clock.monotonic() < .seconds(8)
    }

    /// What several gateways come to isn't one event, so it is looked at again and again; bounded. Time goes on meanwhile.
    func until(
        _ what: Comment, stepping step: Duration = .zero, _ isReached: () async throws -> Bool,
        at location: SourceLocation = #_sourceLocation
    ) async throws {
        for _ in 0..<30_000 {
            if try await isReached() { return }
            if step > .zero { for gateway in gateways where !isLate(gateway) { gateway.clock.advance(by: step) } }
            try await Task.sleep(for: .milliseconds(2))
        }
        Issue.record(what, sourceLocation: location)
        throw NotReached()
    }
}
