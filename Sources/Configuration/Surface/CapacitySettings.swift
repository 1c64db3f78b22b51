public import YAML

/// `workflow.capacity`: where the two classes of capacity are found.
public struct CapacitySettings: Sendable, Equatable {
    /// One class.
    public struct Placement: Sendable, Equatable {
        /// Nodes that pods may run on.
        public var nodeSelector: [String: String] = [:]
        /// Kubernetes tolerations.
        public var tolerations = YAMLValue.list([])
        /// The defaults.
        public init() {}
    }
    /// May be taken away.
    public var spot = Placement()
    /// Stays.
    public var onDemand = Placement()
    /// The defaults.
    public init() {}
}
