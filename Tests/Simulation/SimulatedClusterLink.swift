import Backends
import Model
import NodeODM

/// The way to a cluster: as `ArgoBackend` drives one, with its rules of doubt and its fence (the Argo contract, 5.1).
///
/// Invariant of `@unchecked Sendable`: used on the thread of its world only.
final class SimulatedClusterLink: Backend, @unchecked Sendable {
    private struct Post {
        var last: Int64
        var isDoubtful: Bool
    }

    private let cluster: SimulatedCluster
    private let link: SimulatedLink
    private var world: World { link.world }
    /// How many images each attempt has that was prepared in this life.
    private var staged: [String: Int] = [:]
    private var posted: [String: Post] = [:]
    private var fenced: [String: Int64] = [:]

    /// Until then a create that left may arrive.
    static let fence = Duration.seconds(60)

    init(_ cluster: SimulatedCluster, _ link: SimulatedLink) {
        self.cluster = cluster
        self.link = link
    }

    var name: BackendName { link.name }
    var kind: BackendKind { .argo }
    var restartsInPlace: Bool { false }
    func load() async throws(BackendError) -> BackendLoad { try await link.load() }
    func options() async throws(BackendError) -> OptionCatalog { .engine360 }

    func stage(_ attempt: Attempt, _ submission: TaskSubmission) async throws(BackendError) {
        staged[attempt.backendTask.string] = submission.inputs.count
    }

    func commit(_ attempt: Attempt) async throws(BackendError) -> BackendTaskID {
        let name = attempt.backendTask.string
        guard let images = staged[name] else { throw failure(.uploadLost) }
        let wasDoubtful = posted[name]?.isDoubtful ?? false
        posted[name] = Post(last: world.now, isDoubtful: true)
        world.referee.commitLeaves(attempt)
        do throws(BackendError) {
            let cluster = cluster
            let _: Bool = try await link.call("create", latest: 50) {
                cluster.create(attempt, images: images).map { .failure($0) } ?? .success(true)
            }
        } catch {
            guard error.code != .outcomeUnknown, error.code != .cancelled else { throw error }
            guard wasDoubtful else {
                posted[name] = nil
                throw error
            }
            throw failure(.outcomeUnknown)
        }
        staged[name] = nil
        posted[name]?.isDoubtful = false
        return attempt.backendTask
    }

    func discard(_ attempt: Attempt) async throws(BackendError) -> DiscardOutcome {
        let name = attempt.backendTask.string
        staged[name] = nil
        var since = posted[name]?.last
        if since == nil, attempt.state == .committing {
            since = fenced[name] ?? world.now
            fenced[name] = since
        }
        guard let since else { return .discarded }
        do throws(BackendError) {
            _ = try await status(of: attempt.backendTask, outputFrom: nil)
            return .wasAccepted
        } catch {
            guard error.code == .unknownTask else { throw error }
        }
        guard world.now - since >= Int64(Self.fence.components.seconds) * 1_000_000_000 else {
            throw failure(.outcomeUnknown)
        }
        (posted[name], fenced[name]) = (nil, nil)
        return .discarded
    }

    func status(of task: BackendTaskID, outputFrom line: Int?) async throws(BackendError) -> TaskInfo {
        try await link.status(of: task, outputFrom: line)
    }

    func cancel(_ task: BackendTaskID) async throws(BackendError) { try await link.cancel(task) }

    func remove(_ task: BackendTaskID) async throws(BackendError) { try await link.remove(task) }

    func restart(_ task: BackendTaskID, options: [TaskOption]?) async throws(BackendError) {
        throw failure(.unknownTask)
    }

    func download(of task: BackendTaskID, asset: String) -> DownloadSource? { nil }

    private func failure(_ code: BackendError.Code) -> BackendError {
        BackendError(code, backend: name, "the cluster: \(code.rawValue)")
    }
}
