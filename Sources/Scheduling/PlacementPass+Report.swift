import Model

/// What is left waiting, and why; and what the next pass must remember of it.
extension PlacementPass {
    /// Fills the decision's report and the state's clocks. Last step of a pass.
    mutating func report() {
        var clocks: [SpillKey: Timestamp] = [:]
        var impossible: [TaskClass: Timestamp] = [:]
        for (taskClass, summary) in waitingClasses() {
            let eligibility = eligibility(taskClass)
            for entry in eligibility.tiers {
                guard let since = clock(entry, taskClass) else { continue }
                clocks[SpillKey(taskClass: taskClass, tier: entry.tier)] = since
                note(since + policy.spillAfter)
                note(summary.oldest + policy.spillAfter)
            }
            if eligibility.isImpossible { impossible[taskClass] = state.impossibleSince[taskClass] ?? now }
            decision.waiting.append(
                Decision.Waiting(
                    taskClass: taskClass, count: summary.count, tier: eligibility.tiers.first?.tier,
                    oldest: summary.oldest, reasons: reasons(eligibility), impossibleSince: impossible[taskClass]))
        }
        keepClocks(in: &clocks)
        decision.waiting.sort { $0.oldest < $1.oldest }
        state.fullSince = clocks
        state.impossibleSince = impossible
        if let ready = queue.nextReady { note(ready) }
        noteBreakers()
    }

    /// Taking inputs back takes a while; a node that doesn't answer isn't waited for so long.
    private static let leavingTime = Duration.seconds(120)

    /// Goes on with the clocks of tasks that are on their way from one backend's area to another tier.
    private mutating func keepClocks(in clocks: inout [SpillKey: Timestamp]) {
        state.leaving = state.leaving.filter { now - $0.value < Self.leavingTime }
        for taskClass in state.leaving.keys {
            for entry in eligibility(taskClass).tiers {
                let key = SpillKey(taskClass: taskClass, tier: entry.tier)
                if clocks[key] == nil { clocks[key] = clock(entry, taskClass) }
            }
        }
    }

    private mutating func waitingClasses() -> [TaskClass: (count: Int, oldest: Timestamp)] {
        var classes: [TaskClass: (count: Int, oldest: Timestamp)] = [:]
        for group in queue.groups.indices where queue.groups[group].count > 0 {
            guard let head = queue.head(of: group) else { continue }
            let known = classes[queue.groups[group].key.taskClass]
            classes[queue.groups[group].key.taskClass] = (
                (known?.count ?? 0) + queue.groups[group].count,
                min(known?.oldest ?? head.task.queuedSince, head.task.queuedSince)
            )
        }
        return classes
    }

    /// When the tier began to be full for the class; nil while a slot is free there.
    private func clock(_ tier: Eligibility.Tier, _ taskClass: TaskClass) -> Timestamp? {
        guard !tier.members.contains(where: { fleet.members[$0].free > 0 }) else { return nil }
        return spill.fullSince(tier, fleet, taskClass) ?? now
    }

    private func reasons(_ eligibility: Eligibility) -> [(backend: BackendName, reason: Reason)] {
        let lowest = eligibility.tiers.first?.tier
        return fleet.members.indices.compactMap { position in
            let member = fleet.members[position]
            let name = member.snapshot.name
            if let reason = eligibility.reasons[position] { return (name, reason) }
            if member.free == 0 { return (name, .full(slots: member.slots)) }
            return member.snapshot.tier == lowest ? nil : (name, .higherTier(member.snapshot.tier))
        }
    }

    private mutating func noteBreakers() {
        guard !queue.isEmpty else { return }
        for member in fleet.members {
            if case .failing(let until) = member.standing { note(until) }
        }
    }

    private mutating func note(_ moment: Timestamp) {
        guard moment > now else { return }
        decision.nextChange = min(decision.nextChange ?? moment, moment)
    }
}
