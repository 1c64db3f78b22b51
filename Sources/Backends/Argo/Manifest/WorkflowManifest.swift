internal import Digests
public import Model
public import NodeODM

/// The Workflow object of one attempt (the Argo contract, 3.2): one pod with a container set `download` → `process` → `upload`,
/// and an exit handler that only tells.
///
/// No text of a user stands in any string of it but in `GW_TASK_B64`, since Argo expands `{{…}}` wherever it finds it.
public struct WorkflowManifest: Sendable {
    /// Labels and annotations by which the gateway knows its own workflows.
    public enum Mark {
        /// Who manages it.
        public static let manager = "app.kubernetes.io/managed-by"
        /// The manager's name.
        public static let managerName = "odm-gateway"
        /// The installation that made it.
        public static let gateway = "odm-gateway/gateway"
        /// The task as clients know it.
        public static let task = "odm-gateway/task"
        /// 1, 2, 3, …
        public static let attempt = "odm-gateway/attempt"
        /// Hash of the spec, by which we know our own object after a 409.
        public static let digest = "odm-gateway/spec-sha256"
    }

    /// The object.
    public let json: JSONValue
    /// Hash of its spec, in hexadecimal.
    public let specDigest: String
    /// What must be stored before the workflow is created, and where: a description too long for a variable.
    public let document: (place: S3URL, name: String, bytes: [UInt8])?

    /// Makes the object.
    /// - Parameters:
    ///   - task: what to do.
    ///   - profile: what the inventory says.
    ///   - gateway: the installation's UUID.
    ///   - documents: where a description that is too long may be stored; nil: it is refused.
    /// - Throws: ``ManifestError`` with code `task`.
    public init(
        _ task: WorkflowTask, profile: WorkflowProfile, gateway: String, documents: S3URL? = nil
    ) throws(ManifestError) {
        let sizing = ResourceSizing(
            images: task.images, bytes: task.bytes, options: task.options, step: task.memoryStep,
            overrides: profile.resources)
        let description = TaskDocument(task, cores: sizing.cores)
        let name = "\(task.task.key)/task-\(task.attempt).json"
        if description.bytes.count <= TaskDocument.largestInline {
            document = nil
        } else if let documents {
            document = (documents, name, description.bytes)
        } else {
            throw ManifestError(.task, "the options are longer than a workflow takes")
        }
        let labels = try Self.labels(of: task, gateway: gateway)
        let inputs = Self.variables(
            description: document == nil ? description.base64 : nil,
            stored: document.map { ($0.place.bucket, $0.place.key($0.name)) }, profile)
        let spec: JSONValue
        if let template = profile.template {
            spec = template.spec(variables: inputs, labels: labels, profile: profile, sizing: sizing)
        } else {
            let image = try profile.image(asked: task.engineImage)
            let parts = WorkflowParts(profile: profile, sizing: sizing, image: image, variables: inputs, labels: labels)
            spec = parts.spec(isOnSpot: Self.isOnSpot(task), isOnDemand: Self.isOnDemand(task))
        }
        specDigest = SHA256.digest(of: spec.encoded).hexadecimal
        var metadata = JSONValue.members([
            "name": .string(task.workflow.string), "labels": .texts(labels),
            "annotations": .texts([Mark.digest: specDigest]),
        ])
        if let template = profile.template { metadata = template.metadata.merging(metadata) }
        json = .members([
            "apiVersion": .string("argoproj.io/v1alpha1"), "kind": .string("Workflow"), "metadata": metadata,
            "spec": spec,
        ])
    }

    private static func isOnSpot(_ task: WorkflowTask) -> Bool {
        task.capacity == .spot && task.images < ResourceSizing.mostImagesOnSpot
    }

    /// A task too large for capacity that may be taken away gets the other kind.
    private static func isOnDemand(_ task: WorkflowTask) -> Bool {
        task.capacity == .onDemand || (task.capacity == .spot && task.images >= ResourceSizing.mostImagesOnSpot)
    }

    private static func labels(of task: WorkflowTask, gateway: String) throws(ManifestError) -> [String: String] {
        guard WorkflowName.isValid(task.workflow.string) else {
            throw ManifestError(.task, "\(task.workflow) is no name of a workflow")
        }
        guard task.task.string.utf8.count <= 63, let last = task.task.string.utf8.last, isLetterOrDigit(last) else {
            throw ManifestError(.task, "the task's id is no label that Kubernetes takes")
        }
        return [
            Mark.manager: Mark.managerName, Mark.gateway: gateway, Mark.task: task.task.string,
            Mark.attempt: String(task.attempt),
        ]
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }

    /// What each of the three containers is told.
    private static func variables(
        description: String?, stored: (bucket: String, key: String)?, _ profile: WorkflowProfile
    ) -> [JSONValue] {
        var variables: [JSONValue] = []
        if let description { variables.append(variable("GW_TASK_B64", description)) }
        if let stored {
            variables.append(variable("GW_TASK_BUCKET", stored.bucket))
            variables.append(variable("GW_TASK_KEY", stored.key))
        }
        variables.append(variable("RCLONE_CONFIG_S3_TYPE", "s3"))
        variables.append(variable("RCLONE_CONFIG_S3_PROVIDER", profile.s3Endpoint == nil ? "AWS" : "Other"))
        variables.append(variable("RCLONE_CONFIG_S3_ENV_AUTH", "true"))
        variables.append(variable("RCLONE_CONFIG_S3_NO_CHECK_BUCKET", "true"))
        variables.append(variable("RCLONE_CONFIG_S3_REGION", profile.s3Region))
        if let endpoint = profile.s3Endpoint { variables.append(variable("RCLONE_CONFIG_S3_ENDPOINT", endpoint)) }
        variables.append(variable("RCLONE_CONFIG_S3_FORCE_PATH_STYLE", profile.usesPathStyle ? "true" : "false"))
        guard !profile.s3Secret.isEmpty else { return variables }
        let keys = [("AWS_ACCESS_KEY_ID", false), ("AWS_SECRET_ACCESS_KEY", false), ("AWS_SESSION_TOKEN", true)]
        for (key, isOptional) in keys {
            let reference = JSONValue.members([
                "name": .string(profile.s3Secret), "key": .string(key), "optional": isOptional ? .bool(true) : nil,
            ])
            variables.append(
                .members(["name": .string(key), "valueFrom": .members(["secretKeyRef": reference])]))
        }
        return variables
    }

    static func variable(_ name: String, _ value: String) -> JSONValue {
        .members(["name": .string(name), "value": .string(value)])
    }
}
