internal import Observability
internal import Reactor
import Synchronization

/// Lets every event loop say once a second that it turns: a loop that something blocks shows in /healthz.
final class LoopHeartbeat: Service {
    let name = "heartbeat"

    /// A place in memory that its loop writes and any thread reads.
    private final class Pulse: Sendable {
        let loop: EventLoop
        let nanoseconds = Atomic(MonotonicTime.now().nanoseconds)
        /// How late the last beats were, in nanoseconds; the loop writes one a second, in turns.
        let lags = CounterBlock(count: LoopHeartbeat.lagsKept)
        init(_ loop: EventLoop) { self.loop = loop }

        /// Notes a beat that was due at a moment.
        func beat(_ number: Int, due: MonotonicTime) {
            let now = MonotonicTime.now()
            nanoseconds.store(now.nanoseconds, ordering: .relaxed)
            let late = UInt64(max(0, now.nanoseconds - due.nanoseconds))
            let index = number % LoopHeartbeat.lagsKept
            lags.add(late &- lags.value(at: index), at: index)
        }
    }

    private let pulses: [Pulse]
    private static let interval = Duration.seconds(1)
    private static let lagsKept = 15
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

    /// How late each loop was at most, in as many seconds as are kept; a beat that is overdue counts as well.
    func lags(at now: MonotonicTime) -> [(loop: String, lag: Duration)] {
        zip(ages(at: now), pulses).map { entry, pulse in
            let latest = (0..<Self.lagsKept).map { pulse.lags.value(at: $0) }.max() ?? 0
            let lag = max(Duration.nanoseconds(Int64(clamping: latest)), entry.age - Self.interval)
            return (loop: entry.loop, lag: lag)
        }
    }

    func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            for pulse in pulses {
                group.addTask(executorPreference: pulse.loop) {
                    var number = 0
                    var due = MonotonicTime.now()
                    while true {
                        pulse.beat(number, due: due)
                        number += 1
                        due = MonotonicTime.now() + Self.interval
                        try await pulse.loop.sleep(for: Self.interval)
                    }
                }
            }
        }
    }
}
