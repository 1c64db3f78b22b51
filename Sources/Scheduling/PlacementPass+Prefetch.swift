import Model

/// Inputs that travel while their task waits: nothing is started, so an uncommitted task can always move.
extension PlacementPass {
    /// Gives up areas on nodes that won't take the task, then fills what room busy nodes have.
    mutating func prefetch() {
        discardUseless()
        guard openRoom() > 0 else { return }
        var room = fleet.members.reduce(0) { $0 + $1.stagingRoom }
        var order = FairShare(&queue, owners) { $0.staged == nil }
        while room > 0, let next = order.next(&queue) {
            let key = queue.groups[next.group].key
            guard let position = busiestWorthy(next.task, key.taskClass) else {
                order.dropped(next)
                continue
            }
            room -= 1
            stage(next.task, on: position)
            order.served(next, &queue)
        }
    }

    /// A node that an operator took out, or that can't take the task after all, will never get the commit. One that is
    /// offline or failing may be back before another has a slot: its area stays until the task goes elsewhere.
    private mutating func discardUseless() {
        for key in queue.groups.filter({ $0.count > 0 && $0.key.staged != nil }).map(\.key) {
            guard let staged = key.staged, let reason = uselessness(of: staged, key.taskClass) else { continue }
            for task in queue.tasks(where: { $0 == key }) {
                decision.discards.append(Decision.Discard(task: task.id, backend: staged, reason: reason))
                queue.stage(task.id, on: nil)
            }
        }
    }

    private mutating func uselessness(of backend: BackendName, _ taskClass: TaskClass) -> Reason? {
        guard let position = fleet.position(of: backend) else { return .retired }
        guard let reason = eligibility(taskClass).reasons[position] else { return nil }
        switch reason {
        case .retired, .locked, .draining, .refusedBefore: return reason
        case .tooManyImages, .unknownOption, .missingLabel, .unsupported, .imageNotAllowed, .lacksProject: return reason
        case .offline, .neverRead, .failing, .probing, .full, .higherTier: return nil
        }
    }

    /// Sets each busy NodeODM node's room. A ClusterODM has no node of its own to send to; a node with a free slot gets
    /// tasks, not inputs.
    private mutating func openRoom() -> Int {
        guard policy.prefetch > 0, !queue.isEmpty else { return 0 }
        var staged: [BackendName: Int] = [:]
        for group in queue.groups where group.count > 0 {
            if let backend = group.key.staged { staged[backend, default: 0] += group.count }
        }
        var room = 0
        for position in fleet.members.indices {
            let member = fleet.members[position]
            guard member.standing == nil, member.snapshot.kind == .nodeodm, member.snapshot.load?.isCluster == false,
                member.snapshot.breaker == .closed, member.slots > 0, member.free == 0
            else { continue }
            let left = max(0, policy.prefetch - (staged[member.snapshot.name] ?? 0))
            fleet.members[position].stagingRoom = left
            room += left
        }
        return room
    }

    /// The node with room where the task would wait least, in the lowest tier that it may use.
    private mutating func busiestWorthy(_ task: QueuedTask, _ taskClass: TaskClass) -> Int? {
        for entry in eligibility(taskClass).tiers {
            let rooms = entry.members.filter { fleet.members[$0].stagingRoom > 0 }
            let best = rooms.min { left, right in
                let waits = (fleet.members[left].predictedWait, fleet.members[right].predictedWait)
                if waits.0 != waits.1 { return waits.0 < waits.1 }
                return fleet.members[left].snapshot.name < fleet.members[right].snapshot.name
            }
            if let best { return best }
            guard spill.mayLeave(entry, fleet, taskClass, task) else { return nil }
        }
        return nil
    }

    private mutating func stage(_ task: QueuedTask, on position: Int) {
        let name = fleet.members[position].snapshot.name
        fleet.members[position].stagingRoom -= 1
        fleet.members[position].work += task.work
        decision.prefetches.append(Decision.Prefetch(task: task.id, backend: name))
        queue.stage(task.id, on: name)
    }
}
