public import Model

/// A backend at one moment, as the scheduler sees it.
///
/// `load` is a reading some seconds old. What has happened since is told beside it, so that a burst doesn't pile onto
/// the node that looked idle, and a freed slot is used at once.
public struct BackendSnapshot: Sendable {
    /// Its name.
    public var name: BackendName
    /// Its kind.
    public var kind: BackendKind
    /// Lower tiers first.
    public var tier: Int
    /// Relative speed, > 0.
    public var weight: Double
    /// The inventory's labels.
    public var labels: [String: String]
    /// False after `offline_after` failed readings.
    public var isOnline: Bool
    /// An operator's switch: no new tasks.
    public var isLocked: Bool
    /// An operator's switch: no new tasks, on its way out.
    public var isDraining: Bool
    /// No longer in the inventory.
    public var isRetired: Bool
    /// What its circuit breaker lets through now.
    public var breaker: CircuitBreaker.State
    /// The last reading; nil where it was never read.
    public var load: BackendLoad?
    /// The inventory's `max_parallel_tasks`, which counts before the reading.
    public var maxParallelTasks: Int?
    /// The inventory's `max_images`, which counts before the reading.
    public var maxImages: Int?
    /// Whether tasks of others in the reading take slots (`count_foreign`). Never for a ClusterODM.
    public var countsForeign: Bool
    /// Our attempts that hold a slot and that the reading can't include: not accepted when it was begun. Staged ones
    /// hold no slot.
    public var placementsUnseen: Int
    /// Ends of our tasks that were seen after the reading was begun.
    public var endsUnseen: Int
    /// Our tasks that hold a slot, seen in the reading or not.
    public var ownUnfinished: Int
    /// Their images that are still to do, where progress is known less what is done.
    public var ownWork: Double
    /// Images of the engine that tasks may name there; nil where that isn't known here.
    public var engineImages: [String]?
    /// What its engine knows; nil where that was never read: then the reference list counts.
    public var options: EngineOptions?

    /// The rest has the defaults of a fresh, idle backend.
    public init(
        name: BackendName, kind: BackendKind, tier: Int = 0, weight: Double = 1, labels: [String: String] = [:],
        load: BackendLoad? = nil, options: EngineOptions? = nil
    ) {
        self.name = name
        self.kind = kind
        self.tier = tier
        self.weight = weight
        self.labels = labels
        self.load = load
        self.options = options
        isOnline = true
        isLocked = false
        isDraining = false
        isRetired = false
        breaker = .closed
        countsForeign = true
        placementsUnseen = 0
        endsUnseen = 0
        ownUnfinished = 0
        ownWork = 0
    }

    /// Slots in all; 0 where nobody has told. A ClusterODM doesn't tell: without the inventory's word it has one.
    public var slots: Int {
        if let load, load.isCluster { return max(0, maxParallelTasks ?? 1) }
        return max(0, maxParallelTasks ?? load?.slots ?? 0)
    }

    /// The most images of one task; nil without a limit or where nobody has told.
    public var imageLimit: Int? { maxImages ?? load?.maxImages }

    /// Slots in use now, as far as it can be known.
    public var occupied: Int {
        guard let load, countsForeign, !load.isCluster else { return max(0, ownUnfinished) }
        // A stale reading can't make our own tasks vanish.
        return max(0, ownUnfinished, load.unfinished + placementsUnseen - endsUnseen)
    }

    /// Tasks there that aren't ours.
    var foreign: Int { max(0, occupied - ownUnfinished) }
}
