internal import Reactor
internal import Record
import Synchronization

/// Where the gateway is in its own life, as the admin listener shows it: that listener opens first and closes last.
final class GatewayStatus: Sendable {
    /// What the admin API reads once the gateway serves.
    struct Parts: Sendable {
        let store: TaskStore
        let events: EventLog
        let fleet: Fleet
        let mirror: StatusMirror
        let health: HealthWatch
        /// Changes backends.
        let backends: BackendControl
        /// What a dashboard shows.
        let live: LiveParts
        /// Changes tasks.
        let tasks: TaskActions
    }

    /// A stage of its life.
    enum Stage: Sendable {
        /// Not there yet; what it waits for.
        case starting(String)
        /// Clients are served.
        case serving(Parts)
        /// What runs may still end; nothing new should come.
        case draining(Parts?)

        /// What can be read of.
        var parts: Parts? {
            switch self {
            case .starting: nil
            case .serving(let parts): parts
            case .draining(let parts): parts
            }
        }
    }

    private let state = Mutex<Stage>(.starting("the gateway is starting"))

    /// The stage now.
    var stage: Stage { state.withLock { $0 } }

    /// What the start waits for.
    func wait(for what: String) {
        state.withLock { if case .starting = $0 { $0 = .starting(what) } }
    }

    /// Both listeners are open.
    func serve(_ parts: Parts) {
        state.withLock { if case .starting = $0 { $0 = .serving(parts) } }
    }

    /// The end has begun. Whoever looks on is let go at once: another gateway can be looked at.
    func drain() {
        let parts = state.withLock { stage in
            stage = .draining(stage.parts)
            return stage.parts
        }
        parts?.live.events.end()
    }

    /// When this program began.
    let startedAt = SystemClock().timestamp

    private let heartbeat = Mutex<LoopHeartbeat?>(nil)

    /// Its loops say through this that they turn.
    func note(_ heartbeat: LoopHeartbeat) { self.heartbeat.withLock { $0 = heartbeat } }

    /// Whether each of them turned lately; before they are asked nothing speaks against it.
    func isAlive(at now: MonotonicTime) -> Bool {
        let heartbeat = heartbeat.withLock { $0 }
        return heartbeat?.ages(at: now).allSatisfy { $0.age < LoopHeartbeat.limit } ?? true
    }
}
