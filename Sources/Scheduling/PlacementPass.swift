import Model

/// One pass over the queue: its own copy of everything that decisions change.
struct PlacementPass {
    let policy: Policy
    let now: Timestamp
    var queue: TaskQueue
    var fleet: Fleet
    var owners: [OwnerID: OwnerShare]
    var state: SchedulerState
    var decision = Decision()
    private var eligibilities: [TaskClass: Eligibility] = [:]
    let spill: Spill

    init(
        _ policy: Policy, _ queue: consuming TaskQueue, _ snapshots: [BackendSnapshot],
        _ owners: [OwnerID: OwnerShare], _ state: SchedulerState, now: Timestamp
    ) {
        self.policy = policy
        self.now = now
        self.owners = owners
        self.state = state
        fleet = Fleet(snapshots, policy, state, now: now)
        spill = Spill(policy, state, now: now)
        self.queue = queue
        self.queue.prepare(imageBounds: fleet.imageBounds, now: now)
    }

    /// Gives free slots to tasks while there are both.
    mutating func place() {
        var order = FairShare(&queue, owners) { _ in true }
        while fleet.freeSlots > 0, let next = order.next(&queue) {
            guard let (position, choice) = choose(next.task, queue.groups[next.group].key) else {
                order.dropped(next)
                continue
            }
            place(next.task, on: position, choice)
            order.served(next, &queue)
        }
        decision.limitedOwners = order.limited
    }

    /// The eligibility of a class, computed when it is first asked for.
    mutating func eligibility(_ taskClass: TaskClass) -> Eligibility {
        if let known = eligibilities[taskClass] { return known }
        // Every task of the class has at most `imageBound` images, and more than the limit below it.
        let images = taskClass.imageBound ?? .max
        let made = Eligibility(taskClass, images: images, fleet, policy)
        eligibilities[taskClass] = made
        return made
    }

    private mutating func choose(_ task: QueuedTask, _ key: TaskGroup.Key) -> (Int, Placement.Choice)? {
        let eligibility = eligibility(key.taskClass)
        guard let staged = key.staged else { return freest(task, key.taskClass, eligibility) }
        guard let home = fleet.position(of: staged), eligibility.isEligible(home) else {
            return freest(task, key.taskClass, eligibility).map { ($0.0, .moved(from: staged)) }
        }
        if fleet.members[home].free > 0 { return (home, .staged) }
        let wait = fleet.members[home].predictedWait
        guard key.isStaging || PredictedWait.isLongerThanSendingAgain(wait: wait, size: task.size, policy) else {
            return nil
        }
        return freest(task, key.taskClass, eligibility).map { ($0.0, .moved(from: staged)) }
    }

    /// The backend with a free slot and the shortest predicted wait in the lowest tier that the task may use.
    private func freest(
        _ task: QueuedTask, _ taskClass: TaskClass, _ eligibility: Eligibility
    ) -> (Int, Placement.Choice)? {
        for (index, entry) in eligibility.tiers.enumerated() {
            var best: Int?
            var count = 0
            for position in entry.members where fleet.members[position].free > 0 {
                count += 1
                if best.map({ fleet.members[position].precedes(fleet.members[$0]) }) ?? true { best = position }
            }
            if let best {
                return (best, index == 0 ? .shortestWait(candidates: count) : .spilled(candidates: count))
            }
            guard spill.mayLeave(entry, fleet, taskClass, task) else { return nil }
        }
        return nil
    }

    private mutating func place(_ task: QueuedTask, on position: Int, _ choice: Placement.Choice) {
        let member = fleet.members[position]
        decision.placements.append(
            Placement(
                task: task, backend: member.snapshot.name, choice: choice, tier: member.snapshot.tier,
                occupied: member.occupied, slots: member.slots, predictedWait: member.predictedWait))
        if case .moved = choice, let taskClass = queue.taskClass(of: task.id) { state.leaving[taskClass] = now }
        state.choices += 1
        state.lastChosen[member.snapshot.name] = state.choices
        fleet.take(position, work: task.work, choice: state.choices)
        owners[task.owner, default: OwnerShare()].running += 1
        queue.remove(task.id)
    }
}
