internal import Model
internal import Reactor
internal import Record
import Synchronization

/// What this gateway may do as the only one, now (rules: *Mirror and replicas*).
///
/// A gateway whose record nobody else can open does everything, and nothing of this costs it anything. Among several each duty
/// hangs on a lease, which `LeaseKeeper` takes, renews and hands back. Two things are asked of it: whether something may be
/// begun outside (``isMine(_:)``, by this machine's own clock, so that it ends where the database can't be asked), and the
/// store whose transitions hold only while nobody else has taken the lease (``store(_:for:)``, by the database alone).
final class Duties: Sendable {
    /// How long a lease is held without being renewed.
    static let term = Duration.seconds(15)

    private struct Held {
        var lease: Lease
        var until: MonotonicTime
    }

    private struct State {
        var held: [Duty: Held] = [:]
        /// Gateways that live now, this one among them.
        var replicas = 1
        var roll: [ReplicaSight] = []
        var listeners: [@Sendable () -> Void] = []
    }

    /// Never held by anybody: what is written under it is refused.
    private static let nobodys = Lease(name: "nobody's", holder: "", number: -1)

    private let state = Mutex(State())
    private let clock: (any WorldClock)?

    private init(_ clock: (any WorldClock)?) { self.clock = clock }

    /// The duties of the only gateway on its record: all, always.
    static let alone = Duties(nil)

    /// The duties of one of several; none before leases are taken.
    static func shared(_ clock: any WorldClock) -> Duties { Duties(clock) }

    /// Whether no other gateway can be on the same record.
    var isAlone: Bool { clock == nil }

    /// Gateways that live now, as far as this one knows.
    var replicas: Int { state.withLock { $0.replicas } }

    /// The gateways that live now with what each does, as of the last renewal; empty for the only one.
    var roll: [ReplicaSight] { state.withLock { $0.roll } }

    /// Whether this gateway may do it now. False as soon as its lease couldn't be renewed in time.
    func isMine(_ duty: Duty) -> Bool {
        guard let clock else { return true }
        guard let until = state.withLock({ $0.held[duty]?.until }) else { return false }
        return clock.monotonic() < until
    }

    /// The lease of a duty that this gateway has, even if it has run out by its own clock; nil where another took it.
    func lease(_ duty: Duty) -> Lease? { state.withLock { $0.held[duty]?.lease } }

    /// What the attempts that this gateway begins are marked with; nil for the only one.
    var carrier: String? { lease(.transferring)?.name }

    /// The store whose transitions are refused (`.leaseLost`) unless this gateway still has the duty's lease.
    func store(_ store: TaskStore, for duty: Duty) -> TaskStore {
        isAlone ? store : store.guarded(by: lease(duty) ?? Self.nobodys)
    }

    /// Calls a function each time that duties come or go, from wherever that is noticed; it must only wake somebody.
    func whenChanged(_ call: @escaping @Sendable () -> Void) { state.withLock { $0.listeners.append(call) } }

    // MARK: For the keeper

    /// The duties that have a lease.
    var held: [Duty: Lease] { state.withLock { $0.held.mapValues(\.lease) } }

    /// When the first lease runs out by this gateway's clock; nil where none is held or all have.
    var nextLapse: MonotonicTime? {
        guard let now = clock?.monotonic() else { return nil }
        return state.withLock { $0.held.values.map(\.until).filter { $0 > now }.min() }
    }

    /// A lease was taken; asked for at that moment.
    func take(_ lease: Lease, for duty: Duty, at moment: MonotonicTime) {
        state.withLock { $0.held[duty] = Held(lease: lease, until: moment + Self.term) }
    }

    /// These leases were renewed, asked for at that moment; those that are missing were lost.
    func renew(_ leases: [Lease], at moment: MonotonicTime) {
        let numbers = Set(leases)
        state.withLock { state in
            state.held = state.held.compactMapValues { held in
                numbers.contains(held.lease) ? Held(lease: held.lease, until: moment + Self.term) : nil
            }
        }
    }

    /// A duty is handed back.
    func drop(_ duty: Duty) { state.withLock { $0.held[duty] = nil } }

    /// These gateways live, and hold these leases.
    /// - Parameters:
    ///   - members: their names as holders.
    ///   - held: all leases that somebody has.
    ///   - now: when that was read.
    func note(_ members: Set<String>, holding held: [Lease], at now: Timestamp) {
        let leases = Dictionary(grouping: held, by: \.holder)
        state.withLock { state in
            state.replicas = max(1, members.count)
            let known = Dictionary(state.roll.map { ($0.id, $0.since) }, uniquingKeysWith: { $1 })
            state.roll = members.sorted().map { id in
                ReplicaSight(id: id, since: known[id] ?? now, leases: leases[id]?.map(\.name) ?? [])
            }
        }
    }

    /// Tells everybody that duties may have come or gone.
    func announce() {
        for call in state.withLock({ $0.listeners }) { call() }
    }
}
