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
        /// When each was last told of.
        var toldAt: [String: MonotonicTime] = [:]
        /// Those that a list or the watch has shown: where they are missing later, they ended.
        var shown: Set<String> = []
        /// Those that ended or went, for a while: what an older list or a late answer says of them doesn't count any more.
        var over: [String: Over] = [:]
        /// When the cluster last answered; nil: never.
        var heard: MonotonicTime?
        /// Why the last list failed; nil after one that worked, or an event.
        var outage: ArgoError?
        /// Whether somebody watches: else the snapshot grows old by itself.
        var isWatched = false
        /// Lists that are asked for now.
        var listsUnderWay = 0
        /// Whether a list has ever come.
        var hasListed = false
        /// Those who wait for a list rather than ask about each workflow.
        var waiting: [AsyncStream<Never>.Continuation] = []

        /// The end of one.
        struct Over: Sendable {
            var uid: String
            /// The version that told of it; a later one may bring the workflow back.
            var version: UInt64
            var at: MonotonicTime
        }

        func isFresh(at now: MonotonicTime) -> Bool {
            guard outage == nil, let heard else { return false }
            return now - heard <= (isWatched ? WorkflowWatch.freshness : WorkflowWatch.moment)
        }
    }

    private let client: ArgoClient
    let clock: any WorldClock
    private let random: any RandomBits
    private let logger: Logger?
    /// Whether `run` is sure to be called, so that its first list can be waited for before it has begun.
    let willBeWatched: Bool
    let snapshot = Mutex(Snapshot())

    /// An answer older than this says nothing of now.
    static let freshness = Duration.seconds(45)
    /// The same where nobody watches: one list may serve the questions of one moment.
    private static let moment = Duration.seconds(1)
    /// The net below the watch: what a watch lost comes back so soon.
    static let resync = Duration.seconds(30)
    /// A server that accepts and doesn't answer would be noticed by the watch only after a minute: it is asked so often,
    static let beat = Duration.seconds(3)
    /// and has so long for its answer.
    static let longestBeat = Duration.seconds(5)
    /// Ends are remembered so long: longer than any answer is under way.
    private static let memory = Duration.seconds(600)

    let selector: String

    init(
        client: ArgoClient, gateway: String, willBeWatched: Bool, clock: any WorldClock, random: any RandomBits,
        logger: Logger?
    ) {
        self.client = client
        self.willBeWatched = willBeWatched
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

    /// Whether a workflow is known to have ended or gone not long ago.
    func isOver(_ name: String) -> Bool { snapshot.withLock { $0.over[name] != nil } }

    /// What a create or a get just told.
    func note(_ workflow: WorkflowObject) {
        let now = clock.monotonic()
        snapshot.withLock { $0.take(workflow, at: now) }
    }

    /// A get found no workflow of this name: what was known of it won't come back.
    func forget(_ name: String) {
        let now = clock.monotonic()
        snapshot.withLock { snapshot in
            guard let known = snapshot.remove(name) else { return }
            snapshot.over[name] = .init(uid: known.uid, version: .max, at: now)
        }
    }

    /// Lists and watches until it is cancelled.
    func run() async {
        snapshot.withLock { $0.isWatched = true }
        defer { snapshot.withLock { $0.isWatched = false } }
        var failures = 0
        while !Task.isCancelled {
            do throws(ArgoError) {
                // A list may take long, and so may a server that hangs: the end of a watch is often the first that is seen of that.
                if let silence = await silence() { throw silence }
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
            let longest = min(15_000, 500 << min(failures, 5))
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
            group.addTask {
                while true {
                    do { try await self.clock.sleep(for: Self.beat) } catch { return nil }
                    if let silence = await self.silence() { return silence }
                }
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        if let outcome { throw outcome }
    }

    /// Asks whether the cluster answers at all, as cheaply as can be.
    /// - Returns: why it doesn't; nil where anybody did. A proxy that lets this path through to nobody, or answers it with a page of
    ///   its own, says nothing of the others.
    private func silence() async -> ArgoError? {
        do throws(ArgoError) { try await client.knock(patience: Self.longestBeat) } catch {
            guard error.code == .notSent || error.code == .outcomeUnknown else { return nil }
            snapshot.withLock { $0.outage = error }
            release()
            return error
        }
        return nil
    }

    /// Reads all once.
    /// - Returns: the version to watch from.
    @discardableResult
    func relist() async throws(ArgoError) -> String {
        let begun = clock.monotonic()
        snapshot.withLock { $0.listsUnderWay += 1 }
        defer {
            snapshot.withLock { $0.listsUnderWay -= 1 }
            release()
        }
        // A list may take long; that nobody is there should show at once.
        if snapshot.withLock({ $0.heard == nil || $0.outage != nil }), let silence = await silence() { throw silence }
        let listing: ArgoClient.Listing
        do throws(ArgoError) { listing = try await client.list(selector) } catch {
            if error.code != .cancelled { snapshot.withLock { $0.outage = error } }
            throw error
        }
        let now = clock.monotonic()
        let listed = Set(listing.workflows.map(\.name))
        snapshot.withLock { snapshot in
            snapshot.heard = now
            snapshot.outage = nil
            snapshot.hasListed = true
            for workflow in listing.workflows { snapshot.show(workflow, at: now) }
            snapshot.keep(listed, askedAt: begun, at: now)
            snapshot.over = snapshot.over.filter { now - $0.value.at <= Self.memory }
        }
        return listing.version
    }

    private func take(_ event: ArgoClient.WatchEvent) {
        let now = clock.monotonic()
        snapshot.withLock { snapshot in
            snapshot.heard = now
            snapshot.outage = nil
            switch event {
            case .changed(let workflow): snapshot.show(workflow, at: now)
            case .left(let workflow): snapshot.end(workflow, at: now)
            case .bookmark: break
            }
        }
    }
}

extension WorkflowWatch.Snapshot {
    /// Keeps the newest: neither a lagging list nor the late answer to a create brings back what a watch has told already.
    mutating func take(_ workflow: WorkflowObject, at now: MonotonicTime) {
        let name = workflow.name
        if let known = workflows[name], known.uid == workflow.uid,
            let old = UInt64(known.resourceVersion), let new = UInt64(workflow.resourceVersion), new < old
        {
            return
        }
        // One that has ended is asked for by itself; keeping all of them would keep days of them.
        guard !workflow.isFinished else { return end(workflow, at: now) }
        if let end = over[name], end.uid == workflow.uid {
            guard let new = UInt64(workflow.resourceVersion), new > end.version else { return }
        }
        over[name] = nil
        workflows[name] = workflow
        toldAt[name] = now
    }

    /// A list or the watch tells of a workflow.
    mutating func show(_ workflow: WorkflowObject, at now: MonotonicTime) {
        take(workflow, at: now)
        if workflows[workflow.name] != nil { shown.insert(workflow.name) }
    }

    /// A list has these and no others.
    ///
    /// What it lacks has ended while nobody watched, or the list lags behind: the next question about it is a get, which decides.
    /// What was told of after the list was asked for may be younger than it.
    mutating func keep(_ listed: Set<String>, askedAt begun: MonotonicTime, at now: MonotonicTime) {
        for name in workflows.keys where !listed.contains(name) && toldAt[name].map({ $0 < begun }) ?? true {
            let wasShown = shown.contains(name)
            if let known = remove(name), wasShown { end(known, at: now) }
        }
    }

    @discardableResult
    mutating func remove(_ name: String) -> WorkflowObject? {
        toldAt[name] = nil
        shown.remove(name)
        return workflows.removeValue(forKey: name)
    }

    /// A workflow ended, or left the selection.
    mutating func end(_ workflow: WorkflowObject, at now: MonotonicTime) {
        let name = workflow.name
        if let known = workflows[name], known.uid == workflow.uid { remove(name) }
        let version = UInt64(workflow.resourceVersion) ?? 0
        if let end = over[name], end.uid == workflow.uid, end.version >= version { return }
        over[name] = Over(uid: workflow.uid, version: version, at: now)
    }
}
