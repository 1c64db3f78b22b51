internal import Model
internal import Reactor
import Synchronization

/// Reads the console of one workflow: follows its pods while they run, and gathers what is left of them at the end.
final class Console: Sendable {
    /// What came of reading a pod's console.
    private enum Reading {
        /// It was read to its present end.
        case whole
        /// The pod, or its console, isn't there; or nothing came, which proves nothing.
        case nothing
        /// It can't be told now.
        case failed
    }

    private struct State {
        var merger: LogMerger
        var isBusy = false
        var isFollowed = false
        var isComplete = false
        var finishedPods: Set<String> = []
        var readAt: MonotonicTime?
        var hasCaughtUp = false
        var askedAt: MonotonicTime
        var failures = 0
        var longest: Int64 = -1
    }

    private let client: ArgoClient
    private let clock: any WorldClock
    private let state: Mutex<State>
    /// The container whose console is the task's.
    private static let container = "process"
    /// Polled consoles are read no more often.
    private static let pause = Duration.seconds(1)
    /// A console that can't be read so often doesn't keep the end of its task from being shown.
    private static let mostFailures = 10

    init(client: ArgoClient, clock: any WorldClock, taken: Int) {
        self.client = client
        self.clock = clock
        state = Mutex(State(merger: LogMerger(taken: taken), askedAt: clock.monotonic()))
    }

    /// Lines from a number on; those before it won't be asked for again.
    /// - Parameter number: index of the first line wanted.
    /// - Returns: nil where the console doesn't reach so far, which says nothing: it may only not have been read yet. (A list
    ///   without lines would say that the console got shorter.)
    func lines(from number: Int) -> [String]? {
        let now = clock.monotonic()
        return state.withLock { state in
            state.askedAt = now
            let lines = state.merger.lines(from: number)
            return lines.isEmpty && number > 0 ? nil : lines
        }
    }

    /// The longest time that was told so far: a time that falls would say that the task began anew.
    func monotone(_ time: Int64) -> Int64 {
        state.withLock { state in
            state.longest = max(state.longest, time)
            return state.longest
        }
    }

    /// When somebody last asked for lines.
    var askedAt: MonotonicTime { state.withLock { $0.askedAt } }
    /// The runner's own figure.
    var progress: Double? { state.withLock { $0.merger.progress } }
    /// Images that the runner counted.
    var images: Int? { state.withLock { $0.merger.images } }
    /// Whether somebody follows or reads it.
    private var isRead: Bool { state.withLock { $0.isFollowed || $0.isBusy } }

    /// Takes the right to follow, which one reader has at a time.
    func startFollowing() -> Bool {
        state.withLock { state in
            if state.isFollowed || state.isBusy || state.isComplete { return false }
            state.isFollowed = true
            return true
        }
    }

    /// Gives it back.
    func stopFollowing() { state.withLock { $0.isFollowed = false } }

    /// Reads what there is now of the pods that ran, in their order, unless somebody else is at it.
    func poll(_ workflow: WorkflowObject) async {
        let now = clock.monotonic()
        let isMine = state.withLock { state in
            if state.isBusy || state.isFollowed || state.isComplete { return false }
            if let last = state.readAt, now - last < Self.pause { return false }
            state.isBusy = true
            state.readAt = now
            return true
        }
        guard isMine else { return }
        await readPods(of: workflow, follows: false)
        state.withLock { $0.isBusy = false }
    }

    /// Follows the present pod until its container ends. What is there already is read to its end first: only then is it known
    /// whether numbers of an earlier life were lost.
    func follow(_ workflow: WorkflowObject) async {
        if !state.withLock({ $0.hasCaughtUp }) {
            let reading = await readPods(of: workflow, follows: false)
            state.withLock { $0.hasCaughtUp = reading == .whole }
        }
        await readPods(of: workflow, follows: true)
    }

    /// Gathers what is left once the workflow has ended: the pods, what Argo kept, what the runner left in the object store.
    /// - Parameters:
    ///   - workflow: as it ended.
    ///   - leftover: `task_output.txt`, asked for only where it is needed.
    /// - Returns: false where it should be asked again a little later.
    func complete(_ workflow: WorkflowObject, leftover: () async -> [UInt8]?) async -> Bool {
        // A followed stream ends with its workflow, a little later.
        for _ in 0..<50 where isRead { try? await clock.sleep(for: .milliseconds(200)) }
        let isMine = state.withLock { state in
            if state.isBusy || state.isComplete { return false }
            state.isBusy = true
            return true
        }
        guard isMine else { return state.withLock { $0.isComplete } }
        let reading = await readPods(of: workflow, follows: false)
        let isPatient = state.withLock { state in
            guard reading == .failed else { return false }
            state.failures += 1
            guard state.failures < Self.mostFailures else { return false }
            state.isBusy = false
            return true
        }
        if isPatient { return false }
        if reading != .whole, let pod = workflow.pods.last {
            let name = workflow.podName(of: pod)
            var text: [UInt8]?
            do throws(ArgoError) {
                text = try await client.archivedLog(of: workflow, node: pod.id, container: Self.container)
            } catch { text = nil }
            if text == nil { text = await leftover() }
            if let text {
                state.withLock { state in
                    state.merger.begin(pod: name)
                    state.merger.appendRest(of: String(decoding: text, as: UTF8.self))
                }
            }
        }
        state.withLock { state in
            state.merger.caughtUp()
            state.isComplete = true
            state.isBusy = false
        }
        return true
    }

    /// Reads pods one after the other; a later one only when those before it have ended.
    /// - Returns: what came of the last one that was read.
    @discardableResult
    private func readPods(of workflow: WorkflowObject, follows: Bool) async -> Reading {
        var reading = Reading.nothing
        for pod in workflow.pods where pod.phase != "Pending" && !pod.phase.isEmpty {
            let name = workflow.podName(of: pod)
            if state.withLock({ $0.finishedPods.contains(name) }) {
                reading = .whole
                continue
            }
            let hasEnded = pod.isFinished
            reading = await read(workflow.name, name, follows: follows && !hasEnded)
            if hasEnded, reading == .whole { state.withLock { _ = $0.finishedPods.insert(name) } }
            // A later pod's lines come after all of this one's.
            if !hasEnded || reading == .failed { break }
        }
        if reading == .whole, !follows { state.withLock { $0.merger.caughtUp() } }
        return reading
    }

    private func read(_ workflow: String, _ pod: String, follows: Bool) async -> Reading {
        let since = state.withLock { $0.merger.since(pod: pod) }
        var count = 0
        do throws(ArgoError) {
            try await client.log(
                of: workflow, pod: pod, container: Self.container, since: since, follows: follows
            ) { line in
                // What isn't followed has an end, and a kubelet keeps little: only a stream may have to wait.
                while follows, self.state.withLock({ $0.merger.isFull }) {
                    do { try await self.clock.sleep(for: .milliseconds(200)) } catch { return false }
                }
                self.state.withLock { state in
                    // A pod counts as begun with its first line: an empty stream says nothing (the contract, 2.3).
                    if count == 0 { state.merger.begin(pod: pod) }
                    state.merger.take(line)
                }
                count += 1
                return true
            }
        } catch {
            switch error.code {
            case .notFound, .refused, .forbidden, .noSuchPlace, .gone: return .nothing
            case .notSent, .outcomeUnknown, .unauthorized, .conflict, .busy, .alreadyOver, .malformedAnswer, .cancelled:
                return .failed
            }
        }
        // The line at the cursor comes again where the pod is still there; an empty stream proves nothing.
        return count > 0 ? .whole : .nothing
    }
}
