internal import Model
internal import Observability
internal import Reactor
internal import Record
import Synchronization

/// Takes, renews and hands back this gateway's leases, where several share one record.
///
/// Every lease is renewed each five seconds and expires after fifteen, by the database's clock. The duties that aren't bound to
/// one gateway go to whoever comes first; backends are shared out by rendezvous hashing, so that gateways that come and go move
/// few of them, and one that its chosen gateway doesn't take is taken by any other.
final class LeaseKeeper: Service {
    let name = "leases"
    private let leases: Leases
    private let duties: Duties
    private let backends: @Sendable () -> [BackendName]
    private let clock: any WorldClock
    private let logger: Logger
    /// Unique for this run of the program.
    private let holder: String
    private let marks: LifeMarks?

    private struct State {
        /// A lease was lost, so the next one has another name: who took it looks after what was done under it.
        var generation = 1
        var members: Set<String> = []
        /// Since when a backend has been free that another gateway should take.
        var free: [Duty: MonotonicTime] = [:]
        var isResigning = false
    }
    private let state = Mutex(State())
    private let wake = WakeUp()

    /// From one renewal to the next.
    private static let interval = Duration.seconds(5)
    /// After a renewal that didn't work.
    private static let pause = Duration.seconds(1)
    /// A backend that its chosen gateway doesn't take for so long is taken by any.
    private static let patience = Duration.seconds(8)
    /// Names of gateways that ended are kept for so long.
    private static let memory = Duration.seconds(3600)

    /// - Parameters:
    ///   - leases: in the shared record.
    ///   - duties: told what this gateway has.
    ///   - holder: unique for this run of the program.
    ///   - backends: those to be watched, asked each time.
    ///   - clock: measures this gateway's own side of the terms.
    ///   - marks: tell that a gateway on this machine has ended, so that its leases needn't be waited for; nil: they are.
    ///   - logger: told of what comes and goes.
    init(
        _ leases: Leases, _ duties: Duties, holder: String, backends: @escaping @Sendable () -> [BackendName],
        clock: any WorldClock, marks: LifeMarks? = nil, logger: Logger
    ) {
        self.marks = marks
        self.leases = leases
        self.duties = duties
        self.holder = holder
        self.backends = backends
        self.clock = clock
        self.logger = logger
    }

    func run() async throws {
        // Before the first lease is taken: who finds the mark of a holder free knows that it has ended.
        if let marks, await !marks.hold(as: holder) {
            logger.info("no mark in storage.directory: should this gateway be killed, its leases have to expire")
        }
        try await withThrowingDiscardingTaskGroup { group in
            // What another hands back is taken at once.
            group.addTask { for await _ in self.leases.releases() { self.wake.wake() } }
            group.addTask { try await self.watchLapses() }
            while true {
                let isGood = await renew()
                duties.announce()
                try Task.checkCancellation()
                try await wait(isGood ? Self.interval : Self.pause)
            }
        }
    }

    /// Waits for the next renewal, or until something was handed back.
    private func wait(_ duration: Duration) async throws {
        let (clock, wake) = (clock, wake)
        let alarm = Task {
            try await clock.sleep(for: duration)
            wake.wake()
        }
        defer { alarm.cancel() }
        for await _ in wake.wakeUps() { break }
        try Task.checkCancellation()
    }

    /// Who can't renew stops what it does by its own clock, also while a renewal hangs.
    private func watchLapses() async throws {
        while true {
            let now = clock.monotonic()
            let lapse = duties.nextLapse
            try await clock.sleep(for: min(Self.pause, max(.milliseconds(1), (lapse ?? now + Self.pause) - now)))
            if let lapse, lapse <= clock.monotonic(), duties.lease(.transferring) != nil {
                guard !duties.isMine(.transferring) else { continue }
                logger.warning("this gateway's leases have run out: the database doesn't take their renewal")
                duties.announce()
            }
        }
    }

    // MARK: One round

    /// - Returns: false where the database couldn't be asked.
    private func renew() async -> Bool {
        let asked = clock.monotonic()
        do throws(RecordError) {
            let before = duties.held
            duties.renew(try await leases.renewAll(of: holder, for: Duties.term), at: asked)
            note(lost: before)
            guard !state.withLock({ $0.isResigning }) else { return true }
            try await takeOwn()
            var held = try await leases.held()
            if try await endLeasesOfEnded(held) { held = try await leases.held() }
            // Not those that were only taken to fence a gateway that is gone.
            let members = Set(held.filter { $0.name.hasPrefix(Duty.transfersPrefix + $0.holder) }.map(\.holder))
            duties.note(members, holding: held, at: clock.timestamp)
            try await shareOut(members)
            // One of our own may be there although the answer that it was taken got lost.
            try await takeFree(Set(held.filter { $0.holder != holder }.map(\.name)), members)
            if duties.isMine(.housekeeping) { try await leases.forget(notHeldFor: Self.memory) }
            return true
        } catch {
            if error.code != .cancelled {
                logger.info("leases not renewed", ["error": .string(error.message)])
            }
            return false
        }
    }

    /// A gateway that was killed on this machine can't renew its leases any more, nor act under them.
    /// - Returns: whether there was one.
    private func endLeasesOfEnded(_ held: [Lease]) async throws(RecordError) -> Bool {
        guard let marks else { return false }
        var isNews = false
        for other in Set(held.map(\.holder)) where other != holder {
            guard await marks.hasEnded(other) else { continue }
            logger.info("a gateway on this machine has ended without handing over", ["holder": .string(other)])
            try await leases.releaseAll(of: other)
            await marks.forget(other)
            isNews = true
        }
        return isNews
    }

    private func note(lost before: [Duty: Lease]) {
        let now = duties.held
        for (duty, lease) in before where now[duty] == nil {
            if duty == .transferring { state.withLock { $0.generation += 1 } }
            logger.warning("another gateway has taken a lease", ["lease": .string(lease.name)])
        }
    }

    /// The lease under which this gateway's own attempts are carried out; it also tells that this gateway lives.
    private func takeOwn() async throws(RecordError) {
        guard duties.lease(.transferring) == nil else { return }
        let generation = state.withLock { $0.generation }
        _ = try await take(.transferring, "\(Duty.transfersPrefix)\(holder) \(generation)")
    }

    private func takeFree(_ taken: Set<String>, _ members: Set<String>) async throws(RecordError) {
        let mine = duties.held
        let common: [Duty] = [.scheduling, .fetching, .housekeeping]
        for duty in common + backends().map({ .watching($0) }) where mine[duty] == nil {
            guard let name = duty.leaseName else { continue }
            guard !taken.contains(name), mayTake(duty, members) else { continue }
            guard try await take(duty, name) else { continue }
            logger.info("lease taken", ["lease": .string(name)])
        }
    }

    private func take(_ duty: Duty, _ name: String) async throws(RecordError) -> Bool {
        let asked = clock.monotonic()
        guard let lease = try await leases.acquire(name, by: holder, for: Duties.term) else { return false }
        // It was asked for before the end began, and answered after.
        guard !state.withLock({ $0.isResigning }) else {
            try await leases.release(lease)
            return false
        }
        duties.take(lease, for: duty, at: asked)
        return true
    }

    // MARK: Sharing out

    private func mayTake(_ duty: Duty, _ members: Set<String>) -> Bool {
        guard case .watching(let backend) = duty else { return true }
        let now = clock.monotonic()
        return state.withLock { state in
            guard Self.chosen(for: backend, among: members.union([holder])) != holder else {
                state.free[duty] = nil
                return true
            }
            let since = state.free[duty] ?? now
            state.free[duty] = since
            return now - since >= Self.patience
        }
    }

    /// Hands backends over to gateways that came; once for each change, since a gateway may not list all of them.
    private func shareOut(_ members: Set<String>) async throws(RecordError) {
        let isNew = state.withLock { state in
            defer { state.members = members }
            return state.members != members
        }
        guard isNew else { return }
        for (duty, lease) in duties.held {
            guard case .watching(let backend) = duty, Self.chosen(for: backend, among: members) != holder else {
                continue
            }
            duties.drop(duty)
            try await leases.release(lease)
        }
    }

    /// The gateway that watches a backend where all list it.
    static func chosen(for backend: BackendName, among members: Set<String>) -> String? {
        members.max { (weight($0, backend), $0) < (weight($1, backend), $1) }
    }

    private static func weight(_ member: String, _ backend: BackendName) -> UInt64 {
        // FNV-1a, finished so that the last bytes count as much as the first.
        var hash: UInt64 = 14_695_981_039_346_656_037
        for byte in (member + " " + backend.string).utf8 { hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211 }
        hash = (hash ^ (hash >> 33)) &* 0xFF51_AFD7_ED55_8CCD
        return hash ^ (hash >> 33)
    }

    // MARK: The end

    /// Hands everything back, so that another goes on at once. What is done under the leases must have ended.
    func resign() async {
        state.withLock { $0.isResigning = true }
        for duty in duties.held.keys { duties.drop(duty) }
        do throws(RecordError) {
            try await leases.releaseAll(of: holder)
            logger.info("leases handed back")
        } catch {
            logger.info("leases not handed back: they expire by themselves", ["error": .string(error.message)])
        }
        await marks?.letGo()
    }
}
