internal import Model
internal import NodeODM
internal import Record
internal import Scheduling

/// The waiting tasks as the scheduler wants them, kept from pass to pass: of the record a pass reads keys and revisions, and
/// rows only of what has changed since. Of a row only what the policy needs stays in memory.
struct PlacementQueue {
    /// What a pass decides about; it takes out what it places.
    var tasks = TaskQueue()
    /// Those that don't show 10 yet.
    private(set) var unmarked: Set<TaskID> = []
    private var optionNames: [String: Set<String>] = [:]
    private var demands: Set<Requirements> = []
    private var catalogVersion = 0

    /// Different option texts that are kept parsed, and demands that are shared: clients send few.
    private static let textsKept = 1024
    /// In bytes: options with a boundary or the like are rarely sent twice.
    private static let longestText = 4096

    /// Whether none waits.
    var isEmpty: Bool { tasks.isEmpty }

    /// Takes out what the record no longer has in its queue.
    /// - Parameters:
    ///   - index: keys and revisions, as the record has them now.
    ///   - hidden: keys of tasks that aren't to be placed although the record has them.
    /// - Returns: keys of those whose rows have to be read.
    mutating func compare(with index: [(key: String, revision: Int64)], hiding hidden: Set<String>) -> [String] {
        var changed: [String] = []
        var present = 0
        for (key, revision) in index where !hidden.contains(key) {
            if let task = TaskID(key).flatMap({ tasks[$0] }) {
                present += 1
                if task.revision == revision { continue }
            }
            changed.append(key)
        }
        // Equal counts mean that all that is known is present: the usual case, which costs nothing more.
        if present != tasks.count {
            let there = Set(index.lazy.map(\.key)).subtracting(hidden)
            for id in tasks.ids.filter({ !there.contains($0.key) }) { forget(id.key) }
        }
        return changed
    }

    /// Takes a row over.
    /// - Parameters:
    ///   - row: as the record has it.
    ///   - task: the row as the scheduler wants it.
    mutating func take(_ row: Record.QueuedTask, as task: Scheduling.QueuedTask) {
        var task = task
        task.revision = row.revision
        tasks.insert(task)
        if row.isWaiting { unmarked.remove(row.id) } else { unmarked.insert(row.id) }
    }

    /// Has a task read again by the next pass: something was done about it.
    mutating func touch(_ id: TaskID) { tasks.touch(id) }

    /// Takes a task out that has left the record's queue.
    mutating func forget(_ key: String) {
        guard let id = TaskID(key) else { return }
        tasks.remove(id)
        unmarked.remove(id)
    }

    /// The options that a client sent and the fleet knows: they decide which engines can take a task.
    mutating func names(in options: String, _ fleet: Fleet) -> Set<String> {
        if let names = optionNames[options] { return names }
        let valid = (try? fleet.catalog.validate(optionsText: options).get()) ?? []
        let sent = Set(((try? JSONValue(parsing: options))?.array ?? []).compactMap { $0["name"]?.text })
        let names = Set(valid.map(\.name)).intersection(sent)
        guard options.utf8.count <= Self.longestText else { return names }
        if optionNames.count >= Self.textsKept { optionNames = [:] }
        optionNames[options] = names
        return names
    }

    /// The same demands, in the memory that equal ones of other tasks have already.
    mutating func shared(_ requirements: Requirements) -> Requirements {
        if demands.count >= Self.textsKept { demands = [] }
        return demands.insert(requirements).memberAfterInsert
    }

    /// Reads everything anew where the fleet's options have changed.
    mutating func renew(catalogVersion version: Int) {
        guard version != catalogVersion else { return }
        catalogVersion = version
        optionNames = [:]
        demands = []
        for id in Array(tasks.ids) { tasks.touch(id) }
    }
}
