public import Model
public import NodeODM

/// What the inventory says of a cluster's workflows.
public struct WorkflowProfile: Sendable, Equatable {
    /// Where pods of one class of capacity run.
    public struct Placement: Sendable, Equatable {
        /// Labels that nodes must have.
        public var nodeSelector: [String: String]
        /// Kubernetes tolerations, an array of objects.
        public var tolerations: [JSONValue]

        /// Every part is given.
        public init(nodeSelector: [String: String] = [:], tolerations: [JSONValue] = []) {
            self.nodeSelector = nodeSelector
            self.tolerations = tolerations
        }
    }

    /// The engine's image.
    public var engineImage = "opendronemap/odm:3.6.0"
    /// What a client may name as odmImage; an entry without a tag allows all of its repository.
    public var allowedEngineImages: [String] = []
    /// The image that moves inputs and results.
    public var rcloneImage = "rclone/rclone:1.75"
    /// Of the pods.
    public var serviceAccount = "argo-odm"
    /// The secret with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and perhaps AWS_SESSION_TOKEN; empty: the pods' own identity.
    public var s3Secret = "scaleodm-s3"
    /// The object store as the pods reach it; nil for AWS.
    public var s3Endpoint: String?
    /// The region that requests are signed for.
    public var s3Region = "us-east-1"
    /// Whether the bucket stands in the path.
    public var usesPathStyle = true
    /// Size of the workspace; nil: by the task.
    public var workspaceSize: ByteCount?
    /// Class of the volume; nil: the node's own disk.
    public var storageClass: String?
    /// What replaces the sizing table.
    public var resources = ResourceOverrides()
    /// For every task.
    public var placement = Placement()
    /// Added where a task asks for, or takes, capacity that may be taken away.
    public var spot = Placement()
    /// Added where a task asks for capacity that stays.
    public var onDemand = Placement()
    /// How long a workflow may run.
    public var activeDeadline = Duration.seconds(48 * 3600)
    /// Whether Argo keeps logs in its artifact repository.
    public var archivesLogs = false
    /// How long a succeeded workflow is kept.
    public var ttlAfterSuccess = Duration.seconds(24 * 3600)
    /// How long a failed one is kept.
    public var ttlAfterFailure = Duration.seconds(7 * 86_400)
    /// A workflow of the operator's own.
    public var template: WorkflowTemplateFile?

    /// The defaults.
    public init() {}

    /// Reads `workspace.size` of the inventory.
    /// - Parameter text: a quantity such as `200Gi`, or `auto`.
    /// - Returns: nil for `auto`.
    /// - Throws: ``ManifestError`` where it is neither.
    public static func workspaceSize(_ text: String) throws(ManifestError) -> ByteCount? {
        if text == "auto" { return nil }
        guard let bytes = KubernetesQuantity.bytes(text), bytes > 0 else {
            throw ManifestError(.inventory, "workspace.size must be a quantity such as 200Gi, or auto")
        }
        return ByteCount(bytes)
    }

    /// The image for a task.
    /// - Parameter asked: what the client named.
    /// - Returns: an image reference.
    /// - Throws: ``ManifestError`` where it isn't allowed.
    func image(asked: String?) throws(ManifestError) -> String {
        guard let asked, !asked.isEmpty, asked != engineImage else { return engineImage }
        guard Self.isImage(asked) else { throw ManifestError(.task, "odmImage is no image reference") }
        guard EngineImages.allow(allowedEngineImages, asked) else {
            throw ManifestError(.task, "odmImage isn't one of the images that are allowed here")
        }
        return asked
    }

    /// A reference's alphabet has nothing that Argo or a shell would expand.
    static func isImage(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 255 else { return false }
        let isTame = text.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x41...0x5A).contains($0) || (0x30...0x39).contains($0)
                || "-._/:@".utf8.contains($0)
        }
        return isTame && ((0x61...0x7A).contains(first) || (0x30...0x39).contains(first))
    }
}
