internal import Model
internal import Reactor
internal import Record
internal import Storage

/// Removes files from a storage that no record knows: what a crash left between a file and its row, or a row's
/// deletion and its files'.
///
/// It looks only below names that tasks have, and there only at inputs, never at results. It leaves alone everything of an
/// upload or of a task that isn't over, and everything young: a file is stored before it is recorded.
struct OrphanSweep: Sendable {
    let store: TaskStore
    let storage: any ObjectStore

    /// Younger files are left alone, whatever the record says.
    static let grace = Duration.seconds(24 * 3600)
    private static let page = 1000

    /// Sweeps once.
    /// - Parameters:
    ///   - now: tells what is young.
    ///   - onRemove: told of the size of each file that was removed.
    /// - Returns: how many files were removed.
    /// - Throws: the record's and storage's errors; nothing is removed that the record couldn't be asked about.
    func run(at now: Timestamp, onRemove: (ByteCount) -> Void = { _ in }) async throws -> Int {
        let before = Timestamp(milliseconds: now.milliseconds - Self.grace.inMilliseconds)
        var removed = 0
        var after: String?
        var known: (task: Substring, decide: (String) -> Bool)?
        while true {
            let page = try await storage.list(prefix: "", after: after, limit: Self.page)
            for object in page where object.modified < before {
                guard let name = Self.task(of: object.key) else { continue }
                if known?.task != name { known = (name, try await orphans(of: name)) }
                guard known?.decide(object.key) == true else { continue }
                try await storage.remove(key: object.key)
                removed += 1
                onRemove(object.size)
            }
            guard page.count == Self.page, let last = page.last else { return removed }
            after = last.key
        }
    }

    /// Where a task's inputs are: what goes when they have expired, and before results do.
    static func inputs(of id: TaskID) -> [String] { ["\(id.key)/input", FetchJob.filesPrefix(of: id)] }

    /// The first segment, where it is a task's name and there are others below.
    private static func task(of key: String) -> Substring? {
        guard let slash = key.firstIndex(of: "/") else { return nil }
        let name = key[..<slash]
        return TaskID(name)?.isUUID == true ? name : nil
    }

    /// What tells an orphan among the keys of a task.
    private func orphans(of name: Substring) async throws(RecordError) -> (String) -> Bool {
        guard let id = TaskID(name) else { return { _ in false } }
        let ours = (Self.inputs(of: id) + [FetchJob.spoolPrefix(of: id)]).map { $0 + "/" }
        guard let record = try await store.record(of: id) else {
            return { key in ours.contains { key.hasPrefix($0) } }
        }
        guard record.state.isFinal, record.intent == .none else { return { _ in false } }
        let files = Set(try await store.files(of: id).map(\.storageKey))
        return { key in !files.contains(key) && ours.contains { key.hasPrefix($0) } }
    }
}
