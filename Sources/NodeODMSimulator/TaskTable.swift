import Model

/// The node's tasks in the order in which they came, and who gets the next slot. A value: no I/O, no clock.
struct TaskTable: Sendable {
    private(set) var order: [String] = []
    private var tasks: [String: SimulatedTask] = [:]

    subscript(_ uuid: String) -> SimulatedTask? { tasks[uuid] }

    /// All tasks, oldest first.
    var all: [SimulatedTask] { order.compactMap { tasks[$0] } }

    /// What /info calls taskQueueCount: queued and running ones.
    var queueCount: Int { tasks.values.count { !$0.status.isFinal } }

    mutating func add(_ task: SimulatedTask) {
        if tasks.updateValue(task, forKey: task.uuid) == nil { order.append(task.uuid) }
    }

    /// Changes a task where it exists.
    /// - Returns: what the change returned; nil where there is no such task.
    mutating func change<Result>(_ uuid: String, _ change: (inout SimulatedTask) -> Result) -> Result? {
        guard var task = tasks[uuid] else { return nil }
        let result = change(&task)
        tasks[uuid] = task
        return result
    }

    mutating func remove(_ uuid: String) {
        guard tasks.removeValue(forKey: uuid) != nil else { return }
        order.removeAll { $0 == uuid }
    }

    /// The oldest queued task, if there is a free slot.
    func nextToStart(slots: Int64) -> String? {
        guard tasks.values.count(where: \.isProcessing) < slots else { return nil }
        return order.first { tasks[$0]?.isQueued == true }
    }
}
