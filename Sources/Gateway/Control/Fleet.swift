internal import Backends
internal import Model
internal import NodeODM
internal import Reactor
import Synchronization

/// The backends as they are now: written by the control plane, read by every loop.
final class Fleet: Sendable {
    private struct State {
        var members: [BackendName: FleetMember] = [:]
        /// In the inventory's order.
        var order: [BackendName] = []
        var catalog = OptionCatalog.union(of: [])
        var optionsJSON: [UInt8] = []
        var catalogVersion = 0
    }

    private let state = Mutex(State())
    /// Which backends there are doesn't change, so no lock is needed to find one.
    private let backends: [BackendName: any Backend]
    /// Failed reads in a row that make a backend offline.
    let offlineAfter: Int

    /// - Parameters:
    ///   - members: in the inventory's order.
    ///   - offlineAfter: failed reads in a row that make a backend offline.
    init(_ members: [FleetMember], offlineAfter: Int) {
        self.offlineAfter = offlineAfter
        backends = Dictionary(members.map { ($0.definition.name, $0.backend) }) { first, _ in first }
        state.withLock { state in
            for member in members {
                state.members[member.definition.name] = member
                state.order.append(member.definition.name)
            }
            Self.unite(&state)
        }
    }

    /// All members, in the inventory's order.
    var members: [FleetMember] { state.withLock { state in state.order.compactMap { state.members[$0] } } }

    /// One member.
    func member(_ name: BackendName) -> FleetMember? { state.withLock { $0.members[name] } }

    /// The backend of that name.
    func backend(_ name: BackendName) -> (any Backend)? { backends[name] }

    /// The union of the options that the backends know.
    var catalog: OptionCatalog { state.withLock { $0.catalog } }

    /// Grows when the union of the options changes.
    var catalogVersion: Int { state.withLock { $0.catalogVersion } }

    /// The answer of /options.
    var optionsJSON: [UInt8] { state.withLock { $0.optionsJSON } }

    /// Changes a member.
    /// - Returns: the member after the change; nil where there is none of that name.
    @discardableResult
    func change(_ name: BackendName, _ body: (inout FleetMember) -> Void) -> FleetMember? {
        state.withLock { state in
            guard var member = state.members[name] else { return nil }
            let catalog = member.catalog
            body(&member)
            state.members[name] = member
            if member.catalog != catalog { Self.unite(&state) }
            return member
        }
    }

    private static func unite(_ state: inout State) {
        let members = state.order.compactMap { state.members[$0] }
        state.catalogVersion += 1
        state.catalog = OptionCatalog.union(of: members.compactMap(\.catalog))
        var json = JSONWriter(reserving: 32_768)
        state.catalog.encode(into: &json)
        state.optionsJSON = json.bytes
    }
}
