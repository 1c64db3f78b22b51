/// `workflow.ttl`: how long a finished workflow is kept; at least 10 minutes, so that its end is always seen.
public struct WorkflowTTL: Sendable, Equatable {
    /// After success.
    public var success = Duration.seconds(24 * 3600)
    /// After failure.
    public var failure = Duration.seconds(7 * 86_400)
    /// The defaults.
    public init() {}
}
