/// What only kind `nodeodm` has.
///
/// A ClusterODM ignores both (rules, *ClusterODM as a backend*).
public struct NodeODMSettings: Sendable, Equatable {
    /// The node lost a task that had started.
    public var onVanished = VanishedPolicy.rerun
    /// Silent so long: its tasks may be started elsewhere; nil: only by `evacuate`.
    public var deadAfter: Duration? = .seconds(6 * 3600)
    /// The defaults.
    public init() {}
}
