public import Model

/// The waiting tasks, grouped so that a placement pass looks at groups and their oldest tasks only.
///
/// A value that its caller keeps beside the record: a commit inserts, a cancel removes, a failed placement inserts
/// again. A pass takes out what it places. Cost: O(1) an insert in order of age, O(groups + placements) a pass.
public struct TaskQueue: Sendable {
    private struct Entry {
        var waiting: WaitingTask
        /// Index of its group; nil while it pauses.
        var group: Int?
        /// Whether it is to be made anew.
        var isStale = false
        var task: QueuedTask { waiting.task }
    }

    private var entries: [TaskID: Entry] = [:]
    private var groupIndex: [TaskGroup.Key: Int] = [:]
    private(set) var groups: [TaskGroup] = []
    private var pausing: Set<TaskID> = []
    private var imageBounds: [Int] = []
    private var nextTicket: UInt64 = 0

    /// No tasks.
    public init() {}

    /// How many tasks wait, pausing ones included.
    public var count: Int { entries.count }
    /// Whether none waits.
    public var isEmpty: Bool { entries.isEmpty }

    /// The task of an identity, if it waits.
    public subscript(id: TaskID) -> QueuedTask? {
        guard let entry = entries[id] else { return nil }
        var task = entry.task
        if entry.isStale { task.revision = nil }
        return task
    }

    /// The identities of all that wait.
    public var ids: some Collection<TaskID> { entries.keys }

    /// Adds a task, or replaces what is known of it.
    public mutating func insert(_ task: QueuedTask) {
        if replaceInPlace(task) { return }
        nextTicket += 1
        let known = take(task.id)
        entries[task.id] = Entry(waiting: WaitingTask(task, ticket: known?.waiting.ticket ?? nextTicket))
        if task.notBefore == nil { join(task.id) } else { pausing.insert(task.id) }
    }

    /// Takes a task out.
    @discardableResult
    public mutating func remove(_ id: TaskID) -> QueuedTask? { take(id)?.task }

    /// Forgets the version of what is known of a task: whoever keeps it up to date makes it anew.
    public mutating func touch(_ id: TaskID) {
        entries[id]?.isStale = true
    }

    /// What is like before in all that orders and groups it takes its own place: a long line isn't moved for it.
    private mutating func replaceInPlace(_ task: QueuedTask) -> Bool {
        guard let known = entries[task.id], let group = known.group, task.notBefore == nil,
            task.queuedSince == known.task.queuedSince, key(of: task) == groups[group].key
        else { return false }
        let waiting = WaitingTask(task, ticket: known.waiting.ticket)
        guard groups[group].replace(known.waiting, by: waiting) else { return false }
        entries[task.id] = Entry(waiting: waiting, group: group)
        return true
    }

    private func key(of task: QueuedTask) -> TaskGroup.Key {
        TaskGroup.Key(
            owner: task.owner, taskClass: Self.taskClass(of: task, imageBounds: imageBounds), staged: task.staged,
            isStaging: task.isStaging)
    }

    private mutating func take(_ id: TaskID) -> Entry? {
        guard let entry = entries.removeValue(forKey: id) else { return nil }
        if let group = entry.group {
            groups[group].forgetOne()
            if groups[group].count == 0 { groups[group].clear() }
        } else {
            pausing.remove(id)
        }
        return entry
    }

    /// All ready tasks of a class, oldest first in each of its owners.
    public func tasks(of taskClass: TaskClass) -> [QueuedTask] {
        tasks { $0.taskClass == taskClass }
    }

    /// The class of a waiting task; nil where it isn't there or pauses.
    public func taskClass(of id: TaskID) -> TaskClass? {
        entries[id]?.group.map { groups[$0].key.taskClass }
    }

    /// All ready tasks of some groups.
    func tasks(where isWanted: (TaskGroup.Key) -> Bool) -> [QueuedTask] {
        groups.filter { isWanted($0.key) }.flatMap { group in
            group.members.lazy.filter(isLive).map(\.task)
        }
    }

    /// Marks where a task's inputs are sent ahead to.
    mutating func stage(_ id: TaskID, on backend: BackendName?) {
        guard var task = entries[id]?.task, task.staged != backend else { return }
        task.staged = backend
        task.isStaging = false
        insert(task)
    }

    /// Lets pausing tasks in whose time has come, and groups anew where the backends' limits have changed.
    mutating func prepare(imageBounds bounds: [Int], now: Timestamp) {
        if bounds != imageBounds {
            imageBounds = bounds
            groupIndex = [:]
            groups = []
            // In order of age, so that each lands at the end of its group.
            let ready = entries.values.filter { $0.group != nil }.sorted { $0.waiting.age < $1.waiting.age }
            for entry in ready { join(entry.task.id) }
        }
        dropEmptyGroups()
        let due = pausing.filter { id in entries[id].map { $0.task.readySince <= now } ?? false }
        for id in due {
            pausing.remove(id)
            join(id)
        }
    }

    /// When the first pausing task is ready.
    var nextReady: Timestamp? { pausing.compactMap { entries[$0]?.task.readySince }.min() }

    /// The oldest task of a group, with its place in the order of age.
    mutating func head(of group: Int) -> (age: Age, task: QueuedTask)? {
        while let member = groups[group].first {
            if isLive(member) { return (member.age, member.task) }
            groups[group].dropFirst()
        }
        return nil
    }

    /// Leaves the oldest task of a group out, in a copy that is only looked through.
    mutating func dropHead(of group: Int) { groups[group].dropFirst() }

    /// Those that aren't ready, the first to be ready first.
    var pausingTasks: [QueuedTask] {
        let tasks = pausing.compactMap { entries[$0] }
        return tasks.sorted { ($0.task.readySince, $0.waiting.ticket) < ($1.task.readySince, $1.waiting.ticket) }.map(
            \.task)
    }

    /// The class of a task under the limits of the last pass.
    static func taskClass(of task: QueuedTask, imageBounds: [Int]) -> TaskClass {
        TaskClass(
            requirements: task.requirements, imageBound: imageBounds.first { task.images <= $0 },
            passedOver: task.passedOver)
    }

    private mutating func join(_ id: TaskID) {
        guard let entry = entries[id] else { return }
        let key = key(of: entry.task)
        let index = groupIndex[key] ?? groups.count
        if index == groups.count {
            groups.append(TaskGroup(key))
            groupIndex[key] = index
        }
        entries[id]?.group = index
        groups[index].add(entry.waiting)
        if groups[index].isWasteful { compact(index) }
    }

    private mutating func compact(_ index: Int) {
        groups[index].keep(isLive)
    }

    /// Groups of demands that nobody makes any more would pile up for ever.
    private mutating func dropEmptyGroups() {
        guard groups.count > 64, groups.count(where: { $0.count == 0 }) > groups.count / 2 else { return }
        let kept = groups.filter { $0.count > 0 }
        groups = kept
        groupIndex = [:]
        for index in groups.indices {
            groupIndex[groups[index].key] = index
            for member in groups[index].members where isLive(member) {
                entries[member.task.id]?.group = index
            }
        }
    }

    private func isLive(_ member: WaitingTask) -> Bool { entries[member.task.id]?.waiting === member }
}
