import Model

/// A task's place in the order of age.
struct Age: Comparable, Sendable {
    var since: Timestamp
    /// Counts inserts: unique, and decides between tasks of the same millisecond.
    var ticket: UInt64

    static func < (left: Age, right: Age) -> Bool { (left.since, left.ticket) < (right.since, right.ticket) }
}

/// Tasks of one owner that are alike in every respect but size and age, oldest first.
///
/// A removed task leaves its member behind until it reaches the front or too many are dead: the queue knows which live.
struct TaskGroup: Sendable {
    struct Key: Hashable, Sendable {
        var owner: OwnerID
        var taskClass: TaskClass
        var staged: BackendName?
        var isStaging: Bool
    }

    let key: Key
    /// How many live.
    private(set) var count = 0
    private var line: [WaitingTask] = []
    private var front = 0

    init(_ key: Key) { self.key = key }

    /// Dead ones included.
    var members: ArraySlice<WaitingTask> { line[front...] }
    var first: WaitingTask? { front < line.count ? line[front] : nil }
    var isWasteful: Bool { line.count > 32 && line.count > 2 * count }

    /// Nearly always at the end; a task that returns after a failed placement goes to its place.
    mutating func add(_ member: WaitingTask) {
        count += 1
        guard let last = line.last, front < line.count, member.age < last.age else {
            line.append(member)
            return
        }
        line.insert(member, at: position(of: member.age))
    }

    /// Puts a task in the place of one of the same age.
    /// - Returns: false where that one isn't here.
    mutating func replace(_ old: WaitingTask, by new: WaitingTask) -> Bool {
        let position = position(of: old.age)
        guard position < line.count, line[position] === old else { return false }
        line[position] = new
        return true
    }

    /// The first one that isn't older.
    private func position(of age: Age) -> Int {
        var low = front
        var high = line.count
        while low < high {
            let middle = (low + high) / 2
            if line[middle].age < age { low = middle + 1 } else { high = middle }
        }
        return low
    }

    mutating func forgetOne() { count -= 1 }

    mutating func dropFirst() { front += 1 }

    mutating func clear() {
        line = []
        front = 0
    }

    mutating func keep(_ isLive: (WaitingTask) -> Bool) {
        line = line[front...].filter(isLive)
        front = 0
    }
}
