import Model

/// The backends during one pass: their snapshots, corrected by what the pass itself has decided.
struct Fleet {
    /// One backend.
    struct Member {
        let snapshot: BackendSnapshot
        let slots: Int
        /// Why it takes no task at all now; nil where it does.
        let standing: Reason?
        /// Whether a slot was free when the pass began.
        let wasFree: Bool
        /// Slots in use.
        var occupied: Int
        /// Placements that it can still take in this pass.
        var free: Int
        /// Images to do there, foreign tasks estimated.
        var work: Double
        /// When it was last chosen; the smaller the longer ago.
        var lastChosen: UInt64
        /// How many more tasks' inputs may be sent ahead to it.
        var stagingRoom = 0

        /// Images ahead of a new task for each slot of weight 1.
        var predictedWait: Double { PredictedWait.wait(work: work, slots: slots, weight: snapshot.weight) }

        /// Whether it is chosen before another of its tier: shorter wait, then faster, then longer not chosen, then by name.
        func precedes(_ other: Member) -> Bool {
            let (wait, otherWait) = (predictedWait, other.predictedWait)
            if wait != otherWait { return wait < otherWait }
            if snapshot.weight != other.snapshot.weight { return snapshot.weight > other.snapshot.weight }
            return (lastChosen, snapshot.name) < (other.lastChosen, other.snapshot.name)
        }
    }

    var members: [Member]
    private let index: [BackendName: Int]
    /// Placements that the whole fleet can still take.
    private(set) var freeSlots: Int
    /// The distinct limits of images, ascending: they divide tasks into classes.
    let imageBounds: [Int]

    init(_ snapshots: [BackendSnapshot], _ policy: Policy, _ state: SchedulerState, now: Timestamp) {
        members = snapshots.map { Self.member($0, policy, state, now) }
        var index: [BackendName: Int] = [:]
        for (position, snapshot) in snapshots.enumerated() { index[snapshot.name] = position }
        self.index = index
        freeSlots = members.reduce(0) { $0 + $1.free }
        imageBounds = Set(snapshots.compactMap(\.imageLimit)).sorted()
    }

    func position(of name: BackendName) -> Int? { index[name] }

    /// A task takes a slot.
    mutating func take(_ position: Int, work: Double, choice: UInt64) {
        members[position].occupied += 1
        members[position].free -= 1
        members[position].work += work
        members[position].lastChosen = choice
        freeSlots -= 1
    }

    private static func member(
        _ snapshot: BackendSnapshot, _ policy: Policy, _ state: SchedulerState, _ now: Timestamp
    ) -> Member {
        let standing = standing(of: snapshot, now)
        let occupied = snapshot.occupied
        var free = standing == nil ? max(0, snapshot.slots - occupied) : 0
        if case .halfOpen = effectiveBreaker(snapshot, now) { free = min(free, 1) }
        return Member(
            snapshot: snapshot, slots: snapshot.slots, standing: standing, wasFree: free > 0, occupied: occupied,
            free: free, work: max(0, snapshot.ownWork) + Double(snapshot.foreign) * policy.typicalImages,
            lastChosen: state.lastChosen[snapshot.name] ?? 0)
    }

    /// An open breaker whose time has come is half open, whoever made the snapshot.
    private static func effectiveBreaker(_ snapshot: BackendSnapshot, _ now: Timestamp) -> CircuitBreaker.State {
        if case .open(let until) = snapshot.breaker, until <= now { return .halfOpen(isProbing: false) }
        return snapshot.breaker
    }

    private static func standing(of snapshot: BackendSnapshot, _ now: Timestamp) -> Reason? {
        if snapshot.isRetired { return .retired }
        if snapshot.isLocked { return .locked }
        if snapshot.isDraining { return .draining }
        if !snapshot.isOnline { return .offline }
        if snapshot.load == nil { return .neverRead }
        switch effectiveBreaker(snapshot, now) {
        case .closed, .halfOpen(isProbing: false): return nil
        case .open(let until): return .failing(until: until)
        case .halfOpen(isProbing: true): return .probing
        }
    }
}
