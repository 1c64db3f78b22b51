internal import Backends
internal import Model
internal import NodeODM
internal import Reactor
internal import Record

/// Finds the backend that still holds the project of a task's earlier run, for a restart that needs it.
struct ProjectOwner: Sendable {
    let lookup: TaskLookup

    /// What the owner of a task is told where no backend holds the project.
    static let gone = "The project that rerun-from needs is no longer on its node; upload again"

    /// How long a backend may take to say whether it has the project (rules: *Cancel, remove, restart*).
    private static let patience = Duration.seconds(5)

    /// - Parameter task: over, or being cancelled.
    /// - Returns: the backend that says it holds the latest project and may go on with it; nil where none does.
    /// - Throws: `RecordError`.
    func find(for task: TaskID) async throws(RecordError) -> BackendName? {
        let fleet = lookup.fleet
        let holders = try await lookup.store.attempts(of: task).filter { $0.isProject || $0.state == .accepted }
        guard let latest = holders.last, let member = fleet.member(latest.backend),
            member.backend.restartsInPlace, member.isUsable(offlineAfter: fleet.offlineAfter)
        else { return nil }
        let (name, backend) = (latest.backendTask, member.backend)
        let has = await TimeLimit.run(Self.patience, by: lookup.clock, on: EventLoop.current) {
            await Self.has(backend, name)
        }
        if has == false, latest.isProject { await lookup.notePurge(of: latest.attempt) }
        return has == true ? latest.backend : nil
    }

    /// Whether a backend says that it has a task; nil where it doesn't say.
    private static func has(_ backend: any Backend, _ task: BackendTaskID) async -> Bool? {
        do throws(BackendError) {
            _ = try await backend.status(of: task, outputFrom: nil)
            return true
        } catch {
            return error.code == .unknownTask ? false : nil
        }
    }
}
