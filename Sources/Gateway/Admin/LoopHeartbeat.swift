internal import Reactor
import Synchronization

/// Lets every event loop say once a second that it turns: a loop that something blocks shows in /healthz.
final class LoopHeartbeat: Service {
    let name = "heartbeat"

    /// A place in memory that its loop writes and any thread reads.
    private final class Pulse: Sendable {
        let loop: EventLoop
        let nanoseconds = Atomic(MonotonicTime.now().nanoseconds)
        init(_ loop: EventLoop) { self.loop = loop }
    }

    private let pulses: [Pulse]
    private static let interval = Duration.seconds(1)
    /// A loop that hasn't turned for so long is ill.
    static let limit = Duration.seconds(5)

    init(loops: [EventLoop]) { pulses = loops.map { Pulse($0) } }

    /// How long ago each loop turned.
    func ages(at now: MonotonicTime) -> [(loop: String, age: Duration)] {
        pulses.map { pulse in
            let turned = MonotonicTime(nanoseconds: pulse.nanoseconds.load(ordering: .relaxed))
            return (pulse.loop.name, max(.zero, now - turned))
        }
    }

    func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            for pulse in pulses {
                group.addTask(executorPreference: pulse.loop) {
                    while true {
                        pulse.nanoseconds.store(MonotonicTime.now().nanoseconds, ordering: .relaxed)
                        try await pulse.loop.sleep(for: Self.interval)
                    }
                }
            }
        }
    }
}
