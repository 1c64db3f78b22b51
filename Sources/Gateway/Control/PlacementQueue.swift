internal import Model
internal import NodeODM
internal import Record
internal import Scheduling

/// The waiting tasks as the scheduler wants them, kept from pass to pass: of the record a pass reads keys and revisions, and
/// rows only of what has changed since.
struct PlacementQueue {
    private struct Known {
        /// As it was when the row was read; nil: to be read again.
        var revision: Int64?
        var row: Record.QueuedTask
    }

    /// What a pass decides about; it takes out what it places.
    var tasks = TaskQueue()
    /// Those that don't show 10 yet.
    private(set) var unmarked: Set<TaskID> = []
    private var known: [String: Known] = [:]
    private var optionNames: [String: Set<String>] = [:]
    private var catalogVersion = 0

    /// Different option texts that are kept parsed: clients send few.
    private static let textsKept = 1024

    /// Whether none waits.
    var isEmpty: Bool { tasks.isEmpty }

    /// What was last read of a task.
    func row(of id: TaskID) -> Record.QueuedTask? { known[id.key]?.row }

    /// Takes out what the record no longer has in its queue.
    /// - Parameters:
    ///   - index: keys and revisions, as the record has them now.
    ///   - hidden: keys of tasks that aren't to be placed although the record has them.
    /// - Returns: those whose rows have to be read.
    mutating func compare(
        with index: [(key: String, revision: Int64)], hiding hidden: Set<String>
    ) -> [(key: String, revision: Int64)] {
        var changed: [(key: String, revision: Int64)] = []
        var present = 0
        for (key, revision) in index where !hidden.contains(key) {
            if let known = known[key] {
                present += 1
                if known.revision == revision { continue }
            }
            changed.append((key, revision))
        }
        // Equal counts mean that all that is known is present: the usual case, which costs nothing more.
        if present != known.count {
            let there = Set(index.lazy.map(\.key)).subtracting(hidden)
            for key in known.keys.filter({ !there.contains($0) }) { forget(key) }
        }
        return changed
    }

    /// Takes a row over.
    /// - Parameters:
    ///   - row: as the record has it; nil where it left the queue meanwhile.
    ///   - key: its key.
    ///   - revision: of the index; the row may be newer, and is read once more then.
    ///   - task: the row as the scheduler wants it.
    mutating func take(_ row: Record.QueuedTask?, _ key: String, revision: Int64?, as task: Scheduling.QueuedTask?) {
        guard let row, let task else { return forget(key) }
        known[key] = Known(revision: revision, row: row)
        tasks.insert(task)
        if row.isWaiting { unmarked.remove(row.id) } else { unmarked.insert(row.id) }
    }

    /// Has a task read again by the next pass: something was done about it.
    mutating func touch(_ id: TaskID) { known[id.key]?.revision = nil }

    private mutating func forget(_ key: String) {
        guard let id = known.removeValue(forKey: key)?.row.id else { return }
        tasks.remove(id)
        unmarked.remove(id)
    }

    /// The options that a client sent and the fleet knows: they decide which engines can take a task.
    mutating func names(in options: String, _ fleet: Fleet) -> Set<String> {
        if let names = optionNames[options] { return names }
        let valid = (try? fleet.catalog.validate(optionsText: options).get()) ?? []
        let sent = Set(((try? JSONValue(parsing: options))?.array ?? []).compactMap { $0["name"]?.text })
        let names = Set(valid.map(\.name)).intersection(sent)
        if optionNames.count >= Self.textsKept { optionNames = [:] }
        optionNames[options] = names
        return names
    }

    /// Reads everything anew where the fleet's options have changed.
    mutating func renew(catalogVersion version: Int) {
        guard version != catalogVersion else { return }
        catalogVersion = version
        optionNames = [:]
        for key in known.keys { known[key]?.revision = nil }
    }
}
