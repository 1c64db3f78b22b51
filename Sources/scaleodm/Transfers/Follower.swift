internal import Model
internal import NodeODM
internal import Reactor

/// Follows a task to its end and shows how far it is.
struct Follower: Sendable {
    let gateway: GatewayClient
    let task: BackendTaskID

    /// A gateway that is silent for longer isn't waited for: the task goes on without us.
    private static let patience = Duration.seconds(300)
    private static let interval = Duration.seconds(1)

    /// Asks every second.
    /// - Parameter title: in front of the bar.
    /// - Returns: what the gateway said at the end.
    /// - Throws: `CommandError` where it can't be followed any more.
    func follow(title: String = "Processing") async throws -> TaskInfo {
        let progress = ProgressDisplay(ProgressBar(title: title, measure: .percent(0, note: "")))
        return try await progress.during { try await poll(progress) }
    }

    private func poll(_ progress: ProgressDisplay) async throws -> TaskInfo {
        var silentSince: MonotonicTime?
        var percent = 0.0
        while true {
            do throws(NodeODMError) {
                let info = try await gateway.info(of: task)
                silentSince = nil
                percent = info.progress
                progress.set(.percent(percent, note: Self.word(info.status)))
                if info.status.isFinal { return info }
            } catch {
                let since = silentSince ?? .now()
                silentSince = since
                guard GatewayClient.isPassing(error), .now() - since < Self.patience else {
                    throw gateway.commandError(error)
                }
                progress.set(.percent(percent, note: "the gateway does not answer; trying again"))
            }
            try await gateway.loop.sleep(for: Self.interval)
        }
    }

    /// A status in a word.
    static func word(_ status: StatusCode) -> String {
        switch status {
        case .queued: "waiting for a free slot"
        case .running: "running"
        case .failed: "failed"
        case .completed: "completed"
        case .canceled: "canceled"
        }
    }
}
