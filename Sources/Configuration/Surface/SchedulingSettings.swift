/// `scheduling`: placement.
public struct SchedulingSettings: Sendable, Equatable {
    /// How often each backend's load is read.
    public var refresh = Duration.seconds(5)
    /// How long a task waits before it may fall to the next tier.
    public var spillAfter = Duration.seconds(30)
    /// Waiting tasks whose inputs are sent ahead to a busy NodeODM node.
    public var prefetch = 1
    /// Failed refreshes in a row after which a backend is offline.
    public var offlineAfter = 3
    /// Counted failures of one task before it fails.
    public var attempts = 5
    /// A task that no listed backend could ever take for so long fails.
    public var impossibleAfter = Duration.seconds(3600)
    /// The defaults.
    public init() {}
}
