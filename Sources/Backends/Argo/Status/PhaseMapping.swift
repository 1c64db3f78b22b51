public import Model

/// What a Workflow is in the words of NodeODM (the Argo contract, 3.5).
public struct PhaseMapping: Sendable, Equatable {
    /// 10, 20, 30, 40, or 50 where somebody asked for its end and it ended of that.
    public var status: StatusCode
    /// 0–100; 100 only at completion.
    public var progress: Double
    /// Milliseconds since the container set first ran; −1 before.
    public var processingTime: Int64
    /// Why it failed.
    public var cause: FailureCause?
    /// Why it will never start, and since when it is so.
    public var stuck: (cause: FailureCause, since: Timestamp)?
    /// Since when no node takes its pod.
    public var unschedulableSince: Timestamp?

    /// Maps an object.
    /// - Parameters:
    ///   - workflow: as it was last seen.
    ///   - now: for the time of a running one; the clock of the gateway only adds to a start that the cluster told.
    public init(_ workflow: WorkflowObject, now: Timestamp) {
        let pods = workflow.pods
        let began = pods.first { Self.hasRun($0) }
        status = Self.status(of: workflow, hasBegun: began != nil)
        progress = Self.progress(of: workflow, pods.last, status)
        processingTime = Self.time(since: began?.startedAt ?? began.flatMap { _ in workflow.startedAt }, workflow, now)
        if status == .failed { cause = FailureCause(of: workflow) }
        if !workflow.isFinished, let pod = pods.last, pod.phase == "Pending" {
            let since = pod.startedAt ?? workflow.startedAt ?? now
            let texts = [pod.message] + workflow.containers(of: pod).map(\.message)
            if let cause = texts.lazy.compactMap(FailureCause.stuck).first { stuck = (cause, since) }
            if pod.message.hasPrefix("Unschedulable") { unschedulableSince = since }
        }
    }

    private static func status(of workflow: WorkflowObject, hasBegun: Bool) -> StatusCode {
        switch workflow.phase {
        case "Succeeded": .completed
        case "Failed", "Error":
            workflow.message.hasPrefix("Stopped with strategy") && !workflow.shutdown.isEmpty ? .canceled : .failed
        // An unschedulable pod leaves the workflow Running: it waits nevertheless.
        case "Running": hasBegun ? .running : .queued
        default: workflow.isFinished ? .failed : .queued
        }
    }

    private static func hasRun(_ pod: WorkflowNode) -> Bool {
        pod.phase == "Running" || pod.phase == "Succeeded" || (pod.isFinished && !pod.host.isEmpty)
    }

    /// Of the pod: the workflow's own sum counts each container and the exit handler as one more (N/103).
    private static func progress(of workflow: WorkflowObject, _ pod: WorkflowNode?, _ status: StatusCode) -> Double {
        if status == .completed { return 100 }
        let parts = (pod?.progress ?? "").split(separator: "/")
        guard parts.count == 2, let done = Double(parts[0]), let all = Double(parts[1]), all > 0, done.isFinite else {
            return 0
        }
        return min(max(0, 100 * done / all), 99)
    }

    private static func time(since start: Timestamp?, _ workflow: WorkflowObject, _ now: Timestamp) -> Int64 {
        guard let start else { return -1 }
        let end = workflow.isFinished ? workflow.finishedAt ?? now : now
        return max(0, (end - start).inMilliseconds)
    }

    /// Equal in all that is shown.
    public static func == (left: PhaseMapping, right: PhaseMapping) -> Bool {
        left.status == right.status && left.progress == right.progress && left.processingTime == right.processingTime
            && left.cause == right.cause && left.stuck?.cause == right.stuck?.cause
            && left.unschedulableSince == right.unschedulableSince
    }
}
