import Model

/// The order in which waiting tasks are offered slots: the owner's priority, then fair share, then age.
///
/// Fair share: of the owners with the highest priority, the one whose tasks hold the fewest slots for its weight.
struct FairShare {
    /// A group in its owner's line.
    private struct Place: Comparable {
        var age: Age
        var group: Int
        static func < (left: Place, right: Place) -> Bool { left.age < right.age }
        static func == (left: Place, right: Place) -> Bool { left.age == right.age }
    }

    /// An owner in the line of all.
    private struct Turn: Comparable {
        var priority: Int
        var usage: Double
        var age: Age
        var owner: Int
        static func < (left: Turn, right: Turn) -> Bool {
            if left.priority != right.priority { return left.priority > right.priority }
            if left.usage != right.usage { return left.usage < right.usage }
            return left.age < right.age
        }
    }

    private struct Line {
        var share: OwnerShare
        var groups: BinaryHeap<Place>
    }

    private var lines: [Line] = []
    private var turns = BinaryHeap<Turn>()
    private(set) var limited: Set<OwnerID> = []

    /// Whose turn it is.
    struct Next {
        fileprivate var owner: Int
        var group: Int
        var task: QueuedTask
    }

    /// Lines up the groups that a pass shall look at.
    init(_ queue: inout TaskQueue, _ shares: [OwnerID: OwnerShare], where isWanted: (TaskGroup.Key) -> Bool) {
        var places: [OwnerID: [Place]] = [:]
        for group in queue.groups.indices where queue.groups[group].count > 0 {
            let key = queue.groups[group].key
            guard isWanted(key), let head = queue.head(of: group) else { continue }
            places[key.owner, default: []].append(Place(age: head.age, group: group))
        }
        for (owner, groups) in places {
            let share = shares[owner] ?? OwnerShare()
            if let limit = share.limit, share.running >= limit {
                limited.insert(owner)
                continue
            }
            lines.append(Line(share: share, groups: BinaryHeap(groups)))
            lineUp(lines.count - 1)
        }
    }

    /// The oldest task of the owner whose turn it is. Answered by `served` or `dropped`.
    mutating func next(_ queue: inout TaskQueue) -> Next? {
        while let turn = turns.pop() {
            guard let place = lines[turn.owner].groups.pop() else { continue }
            if let head = queue.head(of: place.group) {
                return Next(owner: turn.owner, group: place.group, task: head.task)
            }
            lineUp(turn.owner)
        }
        return nil
    }

    /// The task got a slot (or its inputs are sent ahead); the rest of its group stays in line.
    mutating func served(_ next: Next, _ queue: inout TaskQueue) {
        lines[next.owner].share.running += 1
        if let head = queue.head(of: next.group) {
            lines[next.owner].groups.push(Place(age: head.age, group: next.group))
        }
        let share = lines[next.owner].share
        if let limit = share.limit, share.running >= limit {
            if let left = lines[next.owner].groups.first { limited.insert(queue.groups[left.group].key.owner) }
            return
        }
        lineUp(next.owner)
    }

    /// No backend can take the task now, so none can take the younger ones of its group.
    mutating func dropped(_ next: Next) { lineUp(next.owner) }

    private mutating func lineUp(_ owner: Int) {
        guard let first = lines[owner].groups.first else { return }
        let share = lines[owner].share
        turns.push(
            Turn(
                priority: share.priority, usage: Double(share.running) / max(share.weight, 0.001), age: first.age,
                owner: owner))
    }
}
