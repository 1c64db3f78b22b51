/// `workflow.workspace`: where a task works.
public struct WorkspaceSettings: Sendable, Equatable {
    /// A Kubernetes quantity, or `auto`.
    public var size = "auto"
    /// nil: emptyDir.
    public var storageClass: String?
    /// The defaults.
    public init() {}
}
