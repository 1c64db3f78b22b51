internal import Model
internal import Reactor
import Synchronization

/// Takes a sample a minute of what the gateway knows of itself, and a look at its traffic every ten seconds.
///
/// It asks nobody: backends, tasks and counters are read where they are in memory.
final class HistoryKeeper: Service {
    /// Where the figures come from.
    struct Sources: Sendable {
        let fleet: Fleet
        let mirror: StatusMirror
        /// What the clients' listener has answered so far.
        let traffic: @Sendable () -> Traffic
    }

    /// What the last sample was counted from.
    private struct Reading {
        var traffic: Traffic
        var ends: StatusMirror.Ends
    }

    private struct State {
        var history = History()
        var last: Reading?
        /// The traffic at the last looks, the oldest first.
        var looks: [(at: MonotonicTime, traffic: Traffic)] = []
    }

    let name = "history"
    private let sources: Sources
    private let clock: any WorldClock
    /// Each sample as it is taken, for one who follows; of several that he doesn't take, the newest.
    let samples: AsyncStream<History.Sample>
    private let newSample: AsyncStream<History.Sample>.Continuation
    private let state = Mutex(State())

    /// Between two looks at the traffic.
    private static let lookInterval = Duration.seconds(10)
    private static let looksPerSample = 6

    init(_ sources: Sources, clock: any WorldClock) {
        self.sources = sources
        self.clock = clock
        (samples, newSample) = AsyncStream.makeStream(of: History.Sample.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// The history now.
    var history: History { state.withLock { $0.history } }

    /// What goes through now, by the looks of the last minute.
    var rate: TrafficRate {
        let (now, traffic) = (clock.monotonic(), sources.traffic())
        let first = state.withLock { $0.looks.first }
        return first.map { TrafficRate(traffic - $0.traffic, in: now - $0.at) } ?? TrafficRate(Traffic(), in: .zero)
    }

    func run() async throws {
        let begin = clock.monotonic()
        look()
        sample(missed: 0)
        var done = 0
        while true {
            let due = begin + Self.lookInterval * (done + 1)
            try await clock.sleep(for: max(.zero, due - clock.monotonic()))
            look()
            // By the clock: after a machine's sleep many are due at once.
            let now = max(done + 1, Int((clock.monotonic() - begin) / Self.lookInterval))
            let samples = now / Self.looksPerSample - done / Self.looksPerSample
            if samples > 0 { sample(missed: samples - 1) }
            done = now
        }
    }

    private func look() {
        let look = (at: clock.monotonic(), traffic: sources.traffic())
        state.withLock { state in
            state.looks.append(look)
            if state.looks.count > Self.looksPerSample { state.looks.removeFirst() }
        }
    }

    private func sample(missed: Int) {
        let reading = Reading(traffic: sources.traffic(), ends: sources.mirror.ends)
        var sample = History.Sample(at: clock.timestamp)
        let standing = sources.mirror.standing
        sample.figures = [.queue: standing.waiting, .running: standing.running]
        addBackends(to: &sample)
        state.withLock { state in
            // What came in several minutes would be a peak in one.
            if let last = state.last, missed == 0 { Self.add(last, reading, to: &sample) }
            state.last = reading
            state.history.add(sample, missed: missed)
        }
        newSample.yield(sample)
    }

    private func addBackends(to sample: inout History.Sample) {
        var slots: Int?
        for member in sources.fleet.members {
            let own = sources.mirror.watched(on: member.name).count
            let isOnline = member.isOnline(offlineAfter: sources.fleet.offlineAfter)
            if isOnline, let own = member.slots { slots = (slots ?? 0) + own }
            let load = History.Load(
                running: isOnline ? member.usedSlots(own: own) ?? own : own,
                slots: isOnline ? member.slots : member.load == nil ? nil : 0)
            sample.backends.append((member.name, load))
        }
        sample.figures[.slots] = slots
    }

    private static func add(_ last: Reading, _ now: Reading, to sample: inout History.Sample) {
        let traffic = now.traffic - last.traffic
        sample.figures[.completedPerMinute] = now.ends.completed - last.ends.completed
        sample.figures[.failedPerMinute] = now.ends.failed - last.ends.failed
        sample.figures[.sentBytes] = Int(clamping: traffic.sentBytes)
        sample.figures[.receivedBytes] = Int(clamping: traffic.receivedBytes)
        sample.figures[.requests] = Int(clamping: traffic.requests)
        sample.figures[.errors] = Int(clamping: traffic.errors)
    }
}
