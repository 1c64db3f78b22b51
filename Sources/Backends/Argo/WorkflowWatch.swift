internal import Model
internal import Observability
internal import Reactor
import Synchronization

/// The unfinished workflows of this installation in one cluster, kept current by one list and one watch, however many there are.
///
/// What isn't here isn't gone: lists lag behind and workflows leave when they end. Only a get decides.
final class WorkflowWatch: Sendable {
    /// What is known of the cluster's workflows at a moment.
    struct Snapshot: Sendable {
        /// By name.
        var workflows: [String: WorkflowObject] = [:]
        /// When the cluster last answered; nil: never.
        var heard: MonotonicTime?
        /// Why the last list failed; nil after one that worked, or an event.
        var outage: ArgoError?
        /// Whether somebody watches: else the snapshot grows old by itself.
        var isWatched = false

        func isFresh(at now: MonotonicTime) -> Bool {
            guard outage == nil, let heard else { return false }
            return now - heard <= (isWatched ? WorkflowWatch.freshness : WorkflowWatch.moment)
        }
    }

    private let client: ArgoClient
    private let clock: any WorldClock
    private let random: any RandomBits
    private let logger: Logger?
    private let snapshot = Mutex(Snapshot())

    /// An answer older than this says nothing of now.
    static let freshness = Duration.seconds(45)
    /// The same where nobody watches: one list may serve the questions of one moment.
    private static let moment = Duration.seconds(1)
    /// The net below the watch: what a watch lost comes back so soon.
    static let resync = Duration.seconds(30)

    let selector: String

    init(client: ArgoClient, gateway: String, clock: any WorldClock, random: any RandomBits, logger: Logger?) {
        self.client = client
        self.clock = clock
        self.random = random
        self.logger = logger
        selector = "\(WorkflowManifest.Mark.gateway)=\(gateway),workflows.argoproj.io/completed!=true"
    }

    /// The workflows, where the cluster was heard recently; else nil.
    var fresh: [String: WorkflowObject]? {
        let now = clock.monotonic()
        return snapshot.withLock { $0.isFresh(at: now) ? $0.workflows : nil }
    }

    /// Why the cluster doesn't answer now, so that nobody needs to ask it about each workflow; nil where it does, or nobody watches.
    var outage: ArgoError? { snapshot.withLock { $0.isWatched ? $0.outage : nil } }

    /// A call has failed: what was heard before says nothing of now.
    func doubt() { snapshot.withLock { $0.heard = nil } }

    /// The workflows as they were last heard of, however long ago.
    var known: [String: WorkflowObject] { snapshot.withLock { $0.workflows } }

    /// One workflow, where it is here and the cluster was heard recently.
    func fresh(_ name: String) -> WorkflowObject? {
        let now = clock.monotonic()
        return snapshot.withLock { $0.isFresh(at: now) ? $0.workflows[name] : nil }
    }

    /// What a create or a get just told.
    func note(_ workflow: WorkflowObject) { take(workflow) }

    /// A workflow is gone.
    func forget(_ name: String) {
        snapshot.withLock { $0.workflows[name] = nil }
    }

    /// Lists and watches until it is cancelled.
    func run() async {
        snapshot.withLock { $0.isWatched = true }
        defer { snapshot.withLock { $0.isWatched = false } }
        var failures = 0
        while !Task.isCancelled {
            do throws(ArgoError) {
                let version = try await relist()
                failures = 0
                try await follow(from: version)
            } catch {
                if error.code == .cancelled { return }
                // The end of a watch, and a version that was forgotten, are everyday.
                if error.code != .gone { failures += 1 }
                if failures == 1 || failures % 20 == 0, error.status != 200 {
                    logger?.warning("workflows can't be watched", ["reason": .string(error.message)])
                }
            }
            let longest = min(30_000, 500 << min(failures, 6))
            let jitter = Int64(random.next() % UInt64(longest / 2))
            try? await clock.sleep(for: .milliseconds(Int64(longest) / 2 + jitter))
        }
    }

    /// Watches, with a list every now and then; what fails first ends both.
    private func follow(from version: String) async throws(ArgoError) {
        let outcome: ArgoError? = await withTaskGroup(of: ArgoError?.self) { group in
            group.addTask {
                do throws(ArgoError) {
                    try await self.client.watch(self.selector, from: version) { event in self.take(event) }
                    return nil
                } catch {
                    // Where we may list and not watch, lists alone must do.
                    guard error.code == .forbidden else { return error }
                    try? await self.clock.sleep(for: Self.resync)
                    return nil
                }
            }
            group.addTask {
                while true {
                    do { try await self.clock.sleep(for: Self.resync) } catch { return nil }
                    do throws(ArgoError) { _ = try await self.relist() } catch { return error }
                }
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        if let outcome { throw outcome }
    }

    /// Reads all once.
    /// - Returns: the version to watch from.
    @discardableResult
    func relist() async throws(ArgoError) -> String {
        let listing: ArgoClient.Listing
        do throws(ArgoError) { listing = try await client.list(selector) } catch {
            if error.code != .cancelled { snapshot.withLock { $0.outage = error } }
            throw error
        }
        let now = clock.monotonic()
        let listed = Set(listing.workflows.map(\.name))
        for workflow in listing.workflows { take(workflow) }
        snapshot.withLock { snapshot in
            snapshot.heard = now
            snapshot.outage = nil
            // Ended while nobody watched, or the list lags behind: the next question about it is a get, which decides.
            snapshot.workflows = snapshot.workflows.filter { listed.contains($0.key) }
        }
        return listing.version
    }

    private func take(_ event: ArgoClient.WatchEvent) {
        let now = clock.monotonic()
        snapshot.withLock { snapshot in
            snapshot.heard = now
            snapshot.outage = nil
        }
        switch event {
        case .changed(let workflow): take(workflow)
        case .left(let workflow): forget(workflow.name)
        case .bookmark: break
        }
    }

    /// Keeps the newest: a lagging list must not bring back what a watch has told already.
    private func take(_ workflow: WorkflowObject) {
        snapshot.withLock { snapshot in
            if let known = snapshot.workflows[workflow.name], known.uid == workflow.uid,
                let old = UInt64(known.resourceVersion), let new = UInt64(workflow.resourceVersion), new < old
            {
                return
            }
            // One that has ended is asked for by itself; keeping all of them would keep days of them.
            guard !workflow.isFinished else {
                snapshot.workflows[workflow.name] = nil
                return
            }
            snapshot.workflows[workflow.name] = workflow
        }
    }
}
