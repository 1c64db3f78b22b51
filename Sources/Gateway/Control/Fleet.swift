internal import Backends
internal import Model
internal import NodeODM
internal import Reactor
import Synchronization

/// The backends as they are now: written by the control plane, read by every loop.
///
/// Which backends there are changes while the gateway runs (`Roster`). Whoever does something for each of them is
/// told, and does it by ``forEach(_:)``; whoever holds a backend goes on with it.
final class Fleet: Sendable {
    private struct State {
        var members: [BackendName: FleetMember] = [:]
        /// In the inventory's order.
        var order: [BackendName] = []
        var catalog = OptionCatalog.union(of: [])
        var optionsJSON: [UInt8] = []
        var catalogVersion = 0
        /// Grows when backends come, go or change.
        var version = 0
        var followers: [Int: WakeUp] = [:]
    }

    private let state = Mutex(State())
    /// By itself, so that a download doesn't wait for whoever reads all members.
    private let backends = Mutex<[BackendName: any Backend]>([:])
    /// Failed reads in a row that make a backend offline.
    let offlineAfter: Int
    /// Told of what changes, for those who look on.
    private let changes: LiveChanges?

    /// - Parameters:
    ///   - members: in the inventory's order.
    ///   - offlineAfter: failed reads in a row that make a backend offline.
    ///   - changes: told of members that come, go or change.
    init(_ members: [FleetMember], offlineAfter: Int, changes: LiveChanges? = nil) {
        self.offlineAfter = offlineAfter
        self.changes = changes
        assemble(members)
    }

    // MARK: Reading

    /// All members, in the inventory's order; the retired ones last.
    var members: [FleetMember] { state.withLock { state in state.order.compactMap { state.members[$0] } } }

    /// Those that may get new tasks some day: all but the retired ones.
    var listed: [FleetMember] { members.filter { !$0.switches.isRetired } }

    /// One member.
    func member(_ name: BackendName) -> FleetMember? { state.withLock { $0.members[name] } }

    /// The backend of that name.
    func backend(_ name: BackendName) -> (any Backend)? { backends.withLock { $0[name] } }

    /// The union of the options that the backends know.
    var catalog: OptionCatalog { state.withLock { $0.catalog } }

    /// Grows when the union of the options changes.
    var catalogVersion: Int { state.withLock { $0.catalogVersion } }

    /// The answer of /options.
    var optionsJSON: [UInt8] { state.withLock { $0.optionsJSON } }

    /// Grows when backends come, go or change.
    var version: Int { state.withLock { $0.version } }

    // MARK: Changing a member

    /// Changes a member.
    /// - Returns: the member after the change; nil where there is none of that name.
    @discardableResult
    func change(_ name: BackendName, _ body: (inout FleetMember) -> Void) -> FleetMember? {
        state.withLock { state in
            guard var member = state.members[name] else { return nil }
            let catalog = member.catalog
            let sight = changes?.isFollowed == true ? member.sight(offlineAfter: offlineAfter) : nil
            body(&member)
            state.members[name] = member
            if member.catalog != catalog { Self.unite(&state) }
            if let sight, sight != member.sight(offlineAfter: offlineAfter) { changes?.note(name) }
            return member
        }
    }

    // MARK: Changing the membership

    /// Makes these the members, all at once.
    ///
    /// A member of the same incarnation keeps what is known of it now, whatever the caller's copy says; only its definition, its
    /// source and whether it is retired are taken over.
    func assemble(_ members: [FleetMember]) {
        let followers = state.withLock { state in
            var next: [BackendName: FleetMember] = [:]
            var order: [BackendName] = []
            for member in members {
                var seat = member
                if let now = state.members[member.name], now.incarnation == member.incarnation {
                    seat = now.redefined(as: member)
                }
                if next.updateValue(seat, forKey: member.name) == nil { order.append(member.name) }
            }
            let isSame =
                order == state.order
                && order.allSatisfy { name in
                    next[name]?.incarnation == state.members[name]?.incarnation
                        && next[name]?.switches.isRetired == state.members[name]?.switches.isRetired
                }
            for name in Set(state.order).union(order) { changes?.note(name) }
            state.members = next
            state.order = order
            if isSame { return [WakeUp]() }
            state.version += 1
            Self.unite(&state)
            backends.withLock { $0 = next.mapValues(\.backend) }
            return Array(state.followers.values)
        }
        for follower in followers { follower.wake() }
    }

    /// Does something for every member as long as it is one: begun for each that comes, ended for each that goes, ended and
    /// begun again for one whose backend was replaced.
    /// - Parameter body: runs until it is cancelled, or has nothing to do any more; an error ends everything.
    /// - Throws: what a body throws, and `CancellationError` at the end.
    func forEach(_ body: @escaping @Sendable (FleetMember) async throws -> Void) async throws {
        let (id, changes) = follow()
        defer { state.withLock { _ = $0.followers.removeValue(forKey: id) } }
        try await withThrowingDiscardingTaskGroup { group in
            var running: [BackendName: Seat] = [:]
            for await _ in changes.wakeUps() {
                try Task.checkCancellation()
                let now = state.withLock { $0.members }
                for (name, seat) in running where now[name]?.incarnation != seat.incarnation {
                    seat.leave.finish()
                    running[name] = nil
                }
                for (name, member) in now where running[name] == nil {
                    let (end, leave) = AsyncStream.makeStream(of: Void.self)
                    running[name] = Seat(incarnation: member.incarnation, leave: leave)
                    group.addTask { try await Self.run(until: end) { try await body(member) } }
                }
            }
            try Task.checkCancellation()
        }
    }

    private struct Seat {
        let incarnation: Int
        let leave: AsyncStream<Void>.Continuation
    }

    private func follow() -> (Int, WakeUp) {
        let wakeUp = WakeUp()
        let id = state.withLock { state in
            let id = (state.followers.keys.max() ?? 0) + 1
            state.followers[id] = wakeUp
            return id
        }
        // Who is there already is news too.
        wakeUp.wake()
        return (id, wakeUp)
    }

    private static func run(
        until end: AsyncStream<Void>, _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await body()
                return false
            }
            group.addTask {
                for await _ in end {}
                return true
            }
            let hasLeft: Bool
            do { hasLeft = try await group.next() ?? true } catch {
                group.cancelAll()
                throw error
            }
            group.cancelAll()
            guard hasLeft else { return }
            // What the end of a membership cancels is no error.
            do { while try await group.next() != nil {} } catch is CancellationError {}
            try Task.checkCancellation()
        }
    }

    private static func unite(_ state: inout State) {
        let members = state.order.compactMap { state.members[$0] }
        state.catalogVersion += 1
        state.catalog = OptionCatalog.union(of: members.compactMap(\.catalog))
        // What only a retired one knows can't be had any more.
        let listed = OptionCatalog.union(of: members.filter { !$0.switches.isRetired }.compactMap(\.catalog))
        var json = JSONWriter(reserving: 32_768)
        listed.encode(into: &json)
        state.optionsJSON = json.bytes
    }
}
