public import Model

/// Which waiting task goes to which backend: a pure function of the queue, the fleet, what was remembered, and the time.
///
/// Late binding: a task waits here until an eligible backend has a free slot. Which task next: its owner's priority,
/// then fair share between owners, then age. Which backend: the lowest tier (the next only after `spillAfter` of all
/// eligible ones of the lower being full), then the shortest predicted wait, then the faster, then rotation.
///
/// A pass costs O(groups × backends + placements × (backends + log owners)), whatever the number of waiting tasks.
public struct Scheduler: Sendable {
    /// The rules' numbers.
    public var policy: Policy

    /// Decides by a policy.
    public init(policy: Policy) { self.policy = policy }

    /// One placement pass.
    /// - Parameters:
    ///   - queue: the waiting tasks. Placed ones are taken out (insert them again where the record refuses), ones whose
    ///     inputs are sent ahead or given up are marked so.
    ///   - fleet: every backend, retired ones that still own tasks included.
    ///   - owners: shares of the owners; one that isn't here has the defaults and nothing running.
    ///   - state: what the last pass remembered.
    ///   - now: the time.
    /// - Returns: what to do, and why the rest waits.
    public func decide(
        queue: inout TaskQueue, fleet: [BackendSnapshot], owners: [OwnerID: OwnerShare], state: inout SchedulerState,
        now: Timestamp
    ) -> Decision {
        // The queue is moved, not copied: a second reference would double a million entries at the first change.
        let taken = queue
        queue = TaskQueue()
        var pass = PlacementPass(policy, consume taken, fleet, owners, state, now: now)
        pass.place()
        pass.prefetch()
        pass.report()
        queue = pass.queue
        state = pass.state
        return pass.decision
    }

    /// Every backend for one task, best first, with all reasons against it: the answer to "why isn't it there?".
    /// - Parameters:
    ///   - task: waiting or not.
    ///   - snapshots: every backend.
    ///   - state: what the last pass remembered.
    ///   - now: the time.
    /// - Returns: the ones that can take it now in the order of choice, then the others by tier and wait.
    public func rank(
        _ task: QueuedTask, fleet snapshots: [BackendSnapshot], state: SchedulerState, now: Timestamp
    ) -> [Candidate] {
        let fleet = Fleet(snapshots, policy, state, now: now)
        let taskClass = TaskQueue.taskClass(of: task, imageBounds: fleet.imageBounds)
        let eligibility = Eligibility(taskClass, images: task.images, fleet, policy)
        var verdicts = Verdicts(task.requirements, images: task.images, policy)
        let spill = Spill(policy, state, now: now)
        let tier = eligibility.tiers.first { !spill.mayLeave($0, fleet, taskClass, task) }?.tier ?? .max
        let candidates = fleet.members.indices.map { position in
            let member = fleet.members[position]
            var reasons = [member.standing].compactMap { $0 } + verdicts.all(member.snapshot)
            if eligibility.reasons[position] == .refusedBefore { reasons.append(.refusedBefore) }
            if member.standing == nil, member.free == 0 { reasons.append(.full(slots: member.slots)) }
            if reasons.isEmpty, member.snapshot.tier > tier {
                reasons.append(.higherTier(member.snapshot.tier))
            }
            return (member, Candidate(member, reasons, policy))
        }
        return candidates.sorted { left, right in
            if left.1.isAble != right.1.isAble { return left.1.isAble }
            if left.1.tier != right.1.tier { return left.1.tier < right.1.tier }
            return left.0.precedes(right.0)
        }.map(\.1)
    }
}
