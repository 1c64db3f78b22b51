internal import Backends
internal import Model
internal import NodeODM
internal import Reactor
internal import Scheduling

/// One backend of the fleet with all that is known of it.
struct FleetMember: Sendable {
    /// What to do with a task that had started on a backend which has forgotten it.
    enum OnVanished: Sendable {
        case rerun
        case fail
    }

    /// What the inventory says of it.
    struct Definition: Sendable {
        var name: BackendName
        var kind: BackendKind
        var tier: Int
        var weight: Double
        var labels: [String: String]
        var maxParallelTasks: Int?
        var maxImages: Int?
        var onVanished: OnVanished
        var deadAfter: Duration?
        /// Options that replace what its engine says (`options_file`).
        var catalog: OptionCatalog?
        /// Engine images that its tasks may name, an entry without a tag for all of its repository; nil: it can't be told.
        var engineImages: [String]?
        /// Without secrets, for people.
        var url: String
        /// Whether runs of ours that the record doesn't know are removed there.
        var collectsOrphans = false
        /// Whether clients fetch its results from the object store themselves.
        var redirectsDownloads = false
    }

    /// How it came to be one.
    enum Source: String, Sendable {
        /// The inventory lists it.
        case file
        /// It was added while a gateway ran.
        case added
        /// It isn't listed any more, and serves what it has.
        case retired
    }

    /// The operator's switches, kept in the record.
    struct Switches: Sendable, Equatable {
        var isLocked = false
        var isDraining = false
        var isRetired = false
    }

    private(set) var definition: Definition
    let backend: any Backend
    /// Runs there that carry this installation's mark and that no record knows, newest first; empty also where nobody has looked.
    var orphans: [BackendTaskID] = []
    /// Of all that had its name, which one it is: another one has another backend behind it.
    var incarnation = 0
    var source = Source.file
    var switches = Switches()

    var name: BackendName { definition.name }

    /// What it last said of itself; nil before it was ever read, in this life or an earlier one.
    var load: BackendLoad?
    /// When it said so; nil when only an earlier life heard it.
    var loadReadAt: MonotonicTime?
    /// How long its last answer took.
    var latency: Duration?
    /// Failed reads in a row.
    var failuresInARow = 0
    /// Why the last read failed; nil after a good one.
    var lastError: String?
    /// The options that its engine knows; nil before it was ever read: then the reference list counts.
    var catalog: OptionCatalog? {
        didSet { engineOptions = catalog.map { EngineOptions($0.definitions.map(\.name)) } }
    }
    /// Their names, as placement passes compare them.
    private(set) var engineOptions: EngineOptions?
    /// Whether placements go well.
    var circuit = CircuitBreaker()
    /// Our tasks that it accepted, and that ended there, since the last reading was begun.
    var acceptedSinceRead = 0
    var endedSinceRead = 0
    /// How long it has been silent while this program ran and reached another backend (rules: *dead_after*).
    var silence = Duration.zero
    /// When its silence was last counted; nil while it answers.
    var silenceCountedAt: MonotonicTime?

    init(_ definition: Definition, backend: any Backend) {
        self.definition = definition
        self.backend = backend
    }

    /// The options that tasks may have there: the operator's word, else its engine's.
    /// - Throws: where its engine can't be asked now.
    func options() async throws(BackendError) -> OptionCatalog {
        if let catalog = definition.catalog { return catalog }
        return try await backend.options()
    }

    /// The same member with what another copy says of it for people and the scheduler.
    func redefined(as other: FleetMember) -> FleetMember {
        var member = self
        member.definition = other.definition
        member.source = other.source
        member.switches.isRetired = other.switches.isRetired
        return member
    }

    /// Takes over what is known of a member that this one replaces, which is at the same place.
    mutating func succeed(_ other: FleetMember) {
        load = other.load
        loadReadAt = other.loadReadAt
        latency = other.latency
        catalog = other.catalog
        acceptedSinceRead = other.acceptedSinceRead
        endedSinceRead = other.endedSinceRead
        orphans = other.orphans
    }

    /// Whether it is a ClusterODM, as far as it ever said.
    var isCluster: Bool { load?.isCluster ?? false }
    /// Slots: the operator's word, else its own. A ClusterODM doesn't tell, so it has one then.
    var slots: Int? { definition.maxParallelTasks ?? (isCluster ? 1 : load?.slots) }
    /// Tasks with status 10 or 20 there, by what it last said and what happened since; at least `own`, our own. Nil before it
    /// was ever read.
    func unfinished(own: Int) -> Int? { load == nil ? nil : count(own: own) }
    /// Slots in use, counted in the same way. Nil without slots.
    func usedSlots(own: Int) -> Int? { slots.map { min($0, count(own: own)) } }
    /// A ClusterODM's own counter says nothing.
    private func count(own: Int) -> Int {
        isCluster ? own : max(0, own, (load?.unfinished ?? 0) + acceptedSinceRead - endedSinceRead)
    }
    /// What to do with a task that had started there and that it forgot; a ClusterODM's may go on behind it.
    var onVanished: OnVanished { isCluster ? .fail : definition.onVanished }
    /// Whether it has been silent for so long that its tasks may be started elsewhere. Never a ClusterODM: its nodes may work on.
    var isDead: Bool {
        guard let deadAfter = definition.deadAfter, !isCluster else { return false }
        return silenceCountedAt != nil && silence >= deadAfter
    }
    /// The smaller of the operator's limit and its own; nil without one.
    var maxImages: Int? { [definition.maxImages, load?.maxImages].compactMap { $0 }.min() }

    /// Whether it answers.
    /// - Parameter offlineAfter: so many failed reads in a row make it offline.
    /// - Returns: false before it was read in this life.
    func isOnline(offlineAfter: Int) -> Bool { loadReadAt != nil && failuresInARow < offlineAfter }

    /// Whether new tasks may be placed there, the circuit aside.
    func isUsable(offlineAfter: Int) -> Bool {
        isOnline(offlineAfter: offlineAfter) && !switches.isLocked && !switches.isDraining && !switches.isRetired
    }
}
