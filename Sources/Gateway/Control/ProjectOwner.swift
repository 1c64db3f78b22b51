internal import Backends
internal import Model
internal import NodeODM
internal import Reactor
internal import Record

/// Finds the backend that still holds the project of a task's earlier run, for a restart that needs it.
struct ProjectOwner: Sendable {
    let store: TaskStore
    let fleet: Fleet
    let clock: any WorldClock

    /// What the owner of a task is told where no backend holds the project.
    static let gone = "The project that rerun-from needs is no longer on its node; upload again"

    /// How long a backend may take to say whether it has the project (rules: *Cancel, remove, restart*).
    private static let patience = Duration.seconds(5)

    /// - Parameter task: over, or being cancelled.
    /// - Returns: the backend that says it holds the latest project and may go on with it; nil where none does.
    /// - Throws: `RecordError`.
    func find(for task: TaskID) async throws(RecordError) -> BackendName? {
        let holders = try await store.attempts(of: task).filter { $0.isProject || $0.state == .accepted }
        guard let latest = holders.last, let member = fleet.member(latest.backend),
            member.backend.restartsInPlace, member.isUsable(offlineAfter: fleet.offlineAfter),
            await isThere(latest.backendTask, on: member.backend)
        else { return nil }
        return latest.backend
    }

    private func isThere(_ task: BackendTaskID, on backend: any Backend) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { (try? await backend.status(of: task, outputFrom: nil)) != nil }
            group.addTask {
                try? await clock.sleep(for: Self.patience)
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }
}
