import Backends
import Model
import Observability
import Reactor
import Record
import Scheduling
import Storage

@testable import Gateway

/// One run of the gateway, from its start to its crash: the real control plane over the world's database and backends.
///
/// Invariant of `@unchecked Sendable`: used on the thread of its world only.
final class Life: @unchecked Sendable {
    /// What clients reach once it serves.
    struct Face: Sendable {
        let parts: DispatchParts
        let dispatcher: Dispatcher
        let commit: CommitHandler
        var store: TaskStore { parts.store }
    }

    private let world: World
    private(set) var isDead = false
    private(set) var face: Face?
    private var services: [Task<Void, Never>] = []

    init(_ world: World) { self.world = world }

    /// Starts as `GatewayService` does; tries again where the database doesn't answer, as whoever supervises it would.
    func start() {
        let clock = SimulatedClock(world: world, life: self)
        let starting = Task(executorPreference: world.loop) {
            while !self.isDead {
                do { return try await self.open(clock) } catch { try? await clock.sleep(for: .seconds(1)) }
            }
        }
        services.append(starting)
    }

    /// Ends at once: what it was about to do isn't done any more.
    func crash() {
        isDead = true
        face = nil
        for service in services { service.cancel() }
    }

    private func open(_ clock: SimulatedClock) async throws {
        let record = try await RoutingRecord(opening: SimulatedDatabase(world, self), random: world.dice)
        let fleet = Fleet(try await members(record), offlineAfter: 3)
        let mirror = StatusMirror()
        let lookup = TaskLookup(mirror: mirror, store: record.tasks, fleet: fleet, clock: clock)
        try await lookup.takeOver()
        let parts = DispatchParts(
            store: record.tasks, mirror: mirror, lookup: lookup, fleet: fleet, durable: Durable(clock: clock),
            clock: clock, random: world.dice, logger: world.logger, placement: WakeUp(), cleaning: WakeUp(),
            webhookWake: WakeUp(), attemptLimit: 5, impossibleAfter: .seconds(7200), webhooks: .init())
        let dispatcher = Dispatcher(
            parts, prefetch: world.rules.prefetch, spillAfter: .seconds(30), loop: world.loop)
        let health = StorageHealth()
        let commit = CommitHandler(
            lookup: lookup, store: record.tasks, storage: world.storage, health: health, clock: clock,
            placement: parts.placement, fetching: WakeUp(), images: ImageLimit(fleet: fleet, configured: nil),
            tally: UploadTally(limit: ByteCount(1 << 40)))
        guard !isDead else { return }
        run([
            Monitor(
                fleet: fleet, memory: record.backends, placement: parts.placement, clock: clock, refresh: .seconds(5),
                logger: world.logger),
            RecordFollower(parts: parts),
            MirrorRefresher(parts: parts, policy: ReadingPolicy(refresh: .seconds(2)), loop: world.loop),
            Cleaner(parts: parts, cleanups: record.cleanups, storage: world.storage),
            Janitor(
                parts: parts, storage: world.storage, spool: nil, health: health, isAlone: true,
                staleUpload: .seconds(7200), inputRetention: world.rules.inputRetention,
                taskRetention: world.rules.taskRetention),
            dispatcher,
        ])
        face = Face(parts: parts, dispatcher: dispatcher, commit: commit)
    }

    private func members(_ record: RoutingRecord) async throws -> [FleetMember] {
        var remembered: [BackendName: RememberedBackend] = [:]
        for backend in try await record.backends.all() { remembered[backend.name] = backend }
        return world.servers.map { server in
            var member = FleetMember(
                .init(
                    name: BackendName(recorded: server.name), kind: server.kind, tier: 0, weight: 1, labels: [:],
                    onVanished: server.kind == .nodeodm ? .rerun : .fail,
                    deadAfter: server.kind == .nodeodm ? world.rules.deadAfter : nil,
                    url: "http://\(server.name).example.org"), backend: link(to: server))
            if let known = remembered[member.definition.name] { member.recall(known) }
            return member
        }
    }

    private func link(to server: SimulatedServer) -> any Backend {
        let link = SimulatedLink(server, world, self)
        return (server as? SimulatedCluster).map { SimulatedClusterLink($0, link) } ?? link
    }

    private func run(_ all: [any Service]) {
        for service in all {
            let task = Task(executorPreference: world.loop) {
                var reason = "returned"
                do { try await service.run() } catch { reason = "\(error)" }
                // Its end would be the program's.
                if !self.isDead { self.world.blame("the \(service.name) ended: \(reason)") }
            }
            services.append(task)
        }
    }

    // MARK: What clients ask

    /// As the action handlers do: shown at once, carried out by the control plane.
    func carryOut(_ id: TaskID, on face: Face) async throws {
        if let record = try await face.store.record(of: id) {
            face.parts.mirror.replace(face.parts.lookup.snapshot(of: record))
        }
        wish(id, on: face)
    }

    func wish(_ id: TaskID, on face: Face) {
        Task(executorPreference: world.loop) { await face.dispatcher.stop(id) }
        face.parts.cleaning.wake()
        face.parts.placement.wake()
    }

    /// As an operator does by the admin API.
    func move(_ id: TaskID, to name: String?) {
        guard let face else { return }
        Task(executorPreference: world.loop) { [world] in
            world.referee.mayMove(id)
            let moving = try? await face.dispatcher.move(id, to: name.map { BackendName(recorded: $0) })
            world.say {
                "operator: \(id.string.prefix(8)) to \(name ?? "anywhere"): \(moving.map { "\($0)" } ?? "no answer")"
            }
            if case .refused = moving { world.referee.didNotMove(id) }
        }
    }

    func drain(_ name: String, _ isDraining: Bool) {
        guard let face else { return }
        face.parts.fleet.change(BackendName(recorded: name)) { $0.switches.isDraining = isDraining }
        face.parts.placement.wake()
    }
}
