internal import Backends
internal import Model
internal import NodeODM
internal import Record

extension FleetMember {
    /// Takes over what an earlier life learnt of this backend.
    mutating func recall(_ known: RememberedBackend) {
        load = known.info.flatMap { BackendLoad(json: $0) }
        catalog = known.options.flatMap { try? OptionCatalog(decoding: Array($0.utf8)) }
        switches = Switches(
            isLocked: known.switches.isLocked, isDraining: known.switches.isDraining,
            isRetired: known.switches.isRetired)
    }
}
