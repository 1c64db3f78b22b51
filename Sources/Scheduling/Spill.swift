import Model

/// When a task may fall to the next tier.
///
/// After `spillAfter`, counted for each task from the first pass that found every eligible backend of the tier full,
/// and anew when one of them gets a free slot.
struct Spill {
    private let policy: Policy
    private let state: SchedulerState
    private let now: Timestamp

    init(_ policy: Policy, _ state: SchedulerState, now: Timestamp) {
        self.policy = policy
        self.state = state
        self.now = now
    }

    /// Since when a tier has been full for a class; nil where it had a free slot when the pass began, or none knows.
    func fullSince(_ tier: Eligibility.Tier, _ fleet: Fleet, _ taskClass: TaskClass) -> Timestamp? {
        guard !tier.members.contains(where: { fleet.members[$0].wasFree }) else { return nil }
        return state.fullSince[SpillKey(taskClass: taskClass, tier: tier.tier)]
    }

    /// Whether a task needs to wait no longer for a tier: never while it has a free slot.
    func mayLeave(_ tier: Eligibility.Tier, _ fleet: Fleet, _ taskClass: TaskClass, _ task: QueuedTask) -> Bool {
        guard !tier.members.contains(where: { fleet.members[$0].free > 0 }) else { return false }
        let start = max(fullSince(tier, fleet, taskClass) ?? now, task.readySince)
        return now - start >= policy.spillAfter
    }
}
