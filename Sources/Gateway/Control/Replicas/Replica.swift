internal import Model
internal import Observability
internal import Reactor
internal import Record

/// This gateway as one of several on the same record: who takes its leases, follows the others and hands over at the end.
struct Replica: Sendable {
    /// What the others stand on: it ends last.
    let first: [any Service]
    /// What ends first.
    let last: [any Service]
    /// Follows the record; also where this gateway is the only one.
    let follower: RecordFollower

    /// - Parameters:
    ///   - parts: with the duties of this gateway.
    ///   - leases: in the shared record.
    ///   - dispatcher: takes up what others leave, and ends before the leases are handed back.
    ///   - fetching: wakes the fetcher.
    ///   - tally: counts uploads, which may go on elsewhere.
    ///   - marks: tell that another gateway on this machine has ended.
    ///   - logger: told of what comes and goes.
    ///   - holder: what this gateway is called in the record; unique for this run of the program.
    ///   - loop: where it runs.
    init(
        _ parts: DispatchParts, _ leases: Leases, _ dispatcher: Dispatcher, _ fetching: WakeUp, _ tally: UploadTally,
        _ marks: LifeMarks, _ logger: Logger, holder: String, loop: EventLoop
    ) {
        let (duties, fleet) = (parts.duties, parts.fleet)
        guard !duties.isAlone else {
            (first, last, follower) = ([], [], RecordFollower(parts: parts))
            return
        }
        let keeper = LeaseKeeper(
            leases, duties, holder: holder, backends: { fleet.members.map(\.definition.name) }, clock: parts.clock,
            marks: marks, logger: logger)
        duties.whenChanged {
            for wake in [parts.placement, parts.cleaning, parts.webhookWake, fetching] { wake.wake() }
            parts.mirror.wakeReaders()
            Task(executorPreference: loop) { await dispatcher.followDuties() }
        }
        first = [keeper]
        last = [Handover(dispatcher: dispatcher, keeper: keeper, loop: loop)]
        follower = RecordFollower(parts: parts) { id, record in
            await dispatcher.follow(id, record)
            // Somebody committed or gave up an upload that was counted here.
            tally.forget(id)
            for wake in [parts.placement, parts.cleaning, parts.webhookWake, fetching] { wake.wake() }
        }
    }
}

/// Hands everything over at the beginning of the end, so that another gateway goes on at once while this one's clients are
/// still served.
struct Handover: Service {
    let name = "handover"
    let dispatcher: Dispatcher
    let keeper: LeaseKeeper
    let loop: EventLoop

    /// With the database away the leases expire by themselves.
    private static let patience = Duration.seconds(3)

    func run() async throws {
        while !Task.isCancelled { try? await loop.sleep(for: .seconds(3600)) }
        let (dispatcher, keeper, loop) = (dispatcher, keeper, loop)
        // In a task of its own: this one is cancelled, so that it could wait for nothing, and the record refuses its work.
        await Task(executorPreference: loop) {
            _ = await TimeLimit.run(Self.patience, on: loop) {
                await dispatcher.standDown()
                await keeper.resign()
            }
        }.value
    }
}
