internal import Model
internal import Observability
internal import Reactor
import Synchronization

/// What a scrape reads of the parts that know: backends, mirror, storage, database, loops.
final class FleetSamples: Sendable {
    private let status: GatewayStatus
    private let heartbeat: LoopHeartbeat
    /// The backends as they were when the scrape began: a thousand of them aren't copied for each family.
    private let members = Mutex<[FleetMember]>([])

    init(status: GatewayStatus, heartbeat: LoopHeartbeat) {
        self.status = status
        self.heartbeat = heartbeat
    }

    /// Every word of `BackendsResource.state`.
    static let states = ["online", "offline", "unread", "locked", "draining", "retired"]

    /// Adds the families.
    func add(to registry: MetricsRegistry) {
        let status = status
        registry.beforeExposition { [self] in
            let current = status.stage.parts?.fleet.members ?? []
            members.withLock { $0 = current }
        }
        addBackends(to: registry)
        registry.samples("scaleodm_storage_free_bytes", help: "What is left in the storage folder.", .gauge) {
            samples in
            if let free = status.stage.parts?.health.lastSight.free { samples.add(free.bytes) }
        }
        registry.samples("scaleodm_database_up", help: "Whether the database answers: 1, else 0.", .gauge) {
            samples in
            let sight = status.stage.parts?.health.lastSight
            samples.add(sight.map { Readiness.database($0, .now()).result == .good } ?? false ? 1 : 0)
        }
        registry.samples(
            "scaleodm_mirror_answers_total",
            help: "Questions about tasks, by what answered; withheld where the database was away.", .counter,
            labels: "source"
        ) { samples in
            guard let mirror = status.stage.parts?.mirror else { return }
            samples.add(mirror.answers, "memory")
            samples.add(mirror.answersFromRecord.value, "record")
            samples.add(mirror.answersWithheld.value, "withheld")
        }
        registry.samples(
            "scaleodm_event_loop_lag_seconds", help: "The longest that a timer of the loop was late in the last 15 s.",
            .gauge, labels: "loop"
        ) { [heartbeat] samples in
            for (loop, lag) in heartbeat.lags(at: .now()) { samples.add(lag.inSeconds, loop) }
        }
    }

    private var all: [FleetMember] { members.withLock { $0 } }

    private func addBackends(to registry: MetricsRegistry) {
        registry.samples(
            "scaleodm_backend_up", help: "Whether the backend answers: 1, else 0.", .gauge, labels: "backend", "kind"
        ) { [self] samples in
            guard let fleet = status.stage.parts?.fleet else { return }
            for member in all {
                samples.add(
                    member.isOnline(offlineAfter: fleet.offlineAfter) ? 1 : 0, member.definition.name.string,
                    member.definition.kind.rawValue)
            }
        }
        registry.samples(
            "scaleodm_backend_state", help: "1 for the state that the backend is in, 0 for the others.", .gauge,
            labels: "backend", "state"
        ) { [self] samples in
            guard let fleet = status.stage.parts?.fleet else { return }
            for member in all {
                let current = BackendsResource.state(of: member, offlineAfter: fleet.offlineAfter)
                for state in Self.states { samples.add(state == current ? 1 : 0, member.definition.name.string, state) }
            }
        }
        registry.samples(
            "scaleodm_backend_slots", help: "The backend's slots, in use and free.", .gauge, labels: "backend", "state"
        ) { [self] samples in
            guard let mirror = status.stage.parts?.mirror else { return }
            for member in all {
                let own = mirror.watched(on: member.definition.name).count
                guard let slots = member.slots, let used = member.usedSlots(own: own) else { continue }
                samples.add(used, member.definition.name.string, "used")
                samples.add(slots - used, member.definition.name.string, "free")
            }
        }
        registry.samples(
            "scaleodm_backend_load_age_seconds", help: "How old what is known of the backend's load is.", .gauge,
            labels: "backend"
        ) { [self] samples in
            for member in all {
                guard let readAt = member.loadReadAt else { continue }
                samples.add(max(.zero, MonotonicTime.now() - readAt).inSeconds, member.definition.name.string)
            }
        }
    }
}

extension Duration {
    /// As a number of seconds.
    var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
