internal import Scheduling

/// Why a task went where it went: a closed set, safe as a metric label.
enum PlacementReason: String, CaseIterable {
    /// The shortest predicted wait in the lowest tier.
    case shortestWait = "shortest_wait"
    /// Lower tiers were full for `spill_after`.
    case spilled
    /// Its inputs were there already.
    case staged
    /// Its inputs were sent ahead elsewhere, where it would have waited longer.
    case moved
    /// The project of its earlier run is there.
    case inPlace = "in_place"
    /// Its backend was given up after `dead_after`.
    case fenced

    init(_ choice: Placement.Choice) {
        switch choice {
        case .shortestWait: self = .shortestWait
        case .spilled: self = .spilled
        case .staged: self = .staged
        case .moved: self = .moved
        }
    }
}
