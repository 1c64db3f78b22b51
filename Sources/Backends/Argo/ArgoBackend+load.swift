internal import HTTPTypes
public import Model
internal import NodeODM
internal import Reactor
import Synchronization

extension ArgoBackend {
    /// Without a word of inventory or cluster.
    private static let assumedSlots = 10
    private static let foreignSelector = "workflows.argoproj.io/completed!=true"
    /// What Argo says of a workflow that waits for others.
    private static let throttled = "too many workflows"
    /// A limit that was met holds so long.
    private static let memory = Duration.seconds(600)
    /// A create that no list shows yet counts so long.
    private static let visibility = Duration.seconds(60)

    /// Counts workflows by phase: from the watch where it is current, so that 1,000 of them cost no call.
    public func load() async throws(BackendError) -> BackendLoad {
        let own = try await unfinished()
        var count = own.count
        if settings.countsForeign { count += try await foreign() }
        let now = clock.monotonic()
        let invisible = state.withLock { state in
            // A doubtful create is remembered until it is settled, however long that takes.
            // What has ended is no slot, however short it ran.
            state.posted = state.posted.filter { name, post in
                !post.isAnswered || (now - post.last <= Self.visibility && !watch.isOver(name))
            }
            state.consoles = state.consoles.filter { now - $0.value.askedAt <= Self.memory }
            return state.posted.count { name, post in
                own[name] == nil && !post.isUnderWay && now - post.last <= Self.visibility
            }
        }
        count += invisible
        var slots = await slots()
        if let learned = learn(own, now) { slots = min(slots, learned) }
        // None is free while some wait for slots or nodes that the cluster doesn't have.
        if isFull(own) { slots = min(slots, count) }
        return BackendLoad(
            slots: slots, unfinished: count, maxImages: settings.mostImages, engine: "odm",
            engineVersion: NodeInfo.versionProper(settings.profile.engineImage), apiVersion: "argo")
    }

    private func unfinished() async throws(BackendError) -> [String: WorkflowObject] {
        await watch.untilListed()
        if let fresh = watch.fresh { return fresh }
        // The watch asks again and again by itself; each reading here would wait as long as it.
        if let outage = watch.outage, outage.code.isSilence { throw failure(outage) }
        do throws(ArgoError) {
            try await watch.relist()
        } catch {
            throw failure(error)
        }
        return watch.known
    }

    private func foreign() async throws(BackendError) -> Int {
        do throws(ArgoError) {
            let all = try await client.list(Self.foreignSelector).workflows
            return all.filter { !$0.isOwned(by: settings.gateway) && !$0.isFinished }.count
        } catch {
            throw failure(error)
        }
    }

    /// The number that ran when some had to wait is the limit, whoever set it.
    private func learn(_ own: [String: WorkflowObject], _ now: MonotonicTime) -> Int? {
        let isThrottled = own.values.contains { $0.message.range(ofText: Self.throttled) != nil }
        let running = own.values.filter { $0.phase == "Running" }.count
        return state.withLock { state in
            if isThrottled { state.learned = (max(1, running), now + Self.memory) }
            guard let learned = state.learned, now < learned.until else { return nil }
            return learned.slots
        }
    }

    private func isFull(_ own: [String: WorkflowObject]) -> Bool {
        let now = Timestamp(milliseconds: clock.wallMilliseconds())
        return own.values.contains { workflow in
            if workflow.phase == "Pending", workflow.message.range(ofText: Self.throttled) != nil { return true }
            guard let since = PhaseMapping(workflow, now: now).unschedulableSince else { return false }
            return now - since > settings.longestPending
        }
    }

    private func slots() async -> Int {
        if let slots = settings.slots { return slots }
        let now = clock.monotonic()
        if let told = state.withLock({ $0.told }), now < told.until { return told.slots ?? Self.assumedSlots }
        let slots = await client.parallelism()
        state.withLock { $0.told = (slots, now + .seconds(300)) }
        return slots ?? Self.assumedSlots
    }
}

extension ArgoClient {
    /// The controller's limit, which only the Kubernetes API can tell, and only to who may read it.
    func parallelism() async -> Int? {
        guard connection.api == .kubernetes else { return nil }
        for namespace in [connection.namespace, "argo"] {
            let path = "/api/v1/namespaces/\(namespace)/configmaps/workflow-controller-configmap"
            guard let answer = try? await ask(.get, path), let data = try? answer.json()["data"] else { continue }
            let limits = ["namespaceParallelism", "parallelism"].compactMap { data[$0]?.text.flatMap { Int($0) } }
            if let least = limits.filter({ $0 > 0 }).min() { return least }
        }
        return nil
    }
}
