internal import HTTPTypes
public import Model
public import NodeODM

/// What the gateway reads of a Workflow, from either API. Unset times are null, and whole parts may be missing where only some
/// fields were asked for.
public struct WorkflowObject: Sendable, Equatable {
    /// Its name.
    public var name: String
    /// Tells it from another one of the same name.
    public var uid: String
    /// Of the object, for watching on.
    public var resourceVersion: String
    /// Labels.
    public var labels: [String: String]
    /// When it was stored.
    public var createdAt: Timestamp?
    /// `Pending`, `Running`, `Succeeded`, `Failed`, `Error`; empty until the controller has seen it.
    public var phase: String
    /// When the controller took it up.
    public var startedAt: Timestamp?
    /// When it ended.
    public var finishedAt: Timestamp?
    /// The controller's words.
    public var message: String
    /// `Terminate` or `Stop` once somebody asked for its end.
    public var shutdown: String
    /// Its steps, in no order.
    public var nodes: [WorkflowNode]
    /// The task's description, where the spec was asked for.
    var description: String?

    /// Reads an object; nil where it has no name.
    /// - Parameter json: from a create, get, list or watch.
    public init?(json: JSONValue) {
        guard let metadata = json["metadata"], let name = metadata["name"]?.text, !name.isEmpty else { return nil }
        self.name = name
        uid = metadata["uid"]?.text ?? ""
        resourceVersion = metadata["resourceVersion"]?.text ?? ""
        let pairs = (metadata["labels"]?.members ?? []).compactMap { member in
            member.value.text.map { (member.name, $0) }
        }
        labels = Dictionary(pairs) { $1 }
        createdAt = RFC3339.timestamp(metadata["creationTimestamp"]?.text)
        let status = json["status"]
        phase = status?["phase"]?.text ?? labels["workflows.argoproj.io/phase"] ?? ""
        startedAt = RFC3339.timestamp(status?["startedAt"]?.text)
        finishedAt = RFC3339.timestamp(status?["finishedAt"]?.text)
        message = status?["message"]?.text ?? ""
        shutdown = json["spec"]?["shutdown"]?.text ?? ""
        nodes = (status?["nodes"]?.members ?? []).compactMap { WorkflowNode(json: $0.value, key: $0.name) }
    }

    /// Whether it has ended, by its phase or by Argo's label.
    public var isFinished: Bool {
        ["Succeeded", "Failed", "Error"].contains(phase) || labels["workflows.argoproj.io/completed"] == "true"
    }

    /// Whether this is the archive's copy: the object itself is gone.
    public var isArchived: Bool { labels["workflows.argoproj.io/workflow-archiving-status"] == "Persisted" }

    /// Whether an installation of the gateway made it.
    public func isOwned(by gateway: String) -> Bool { labels[WorkflowManifest.Mark.gateway] == gateway }

    /// The pods that ran the container set, the last try last; the exit handler's isn't among them.
    var pods: [WorkflowNode] {
        nodes.filter { $0.type == "Pod" && !$0.name.hasSuffix(".onExit") && $0.templateName != "finish" }
            .sorted {
                ($0.retryIndex, $0.startedAt?.milliseconds ?? .max) < (
                    $1.retryIndex, $1.startedAt?.milliseconds ?? .max
                )
            }
    }

    /// The containers of a pod.
    func containers(of pod: WorkflowNode) -> [WorkflowNode] {
        nodes.filter { $0.type == "Container" && ($0.boundaryID == pod.id || pod.children.contains($0.id)) }
    }

    /// What a pod is called in the cluster (naming v2): workflow, template, and a hash of the node's name.
    func podName(of node: WorkflowNode) -> String {
        if node.name == name { return name }
        let hash = node.name.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
        let prefix = "\(name)-\(node.templateName)".prefix(242)
        return "\(prefix)-\(hash)"
    }
}

/// A step of a workflow.
public struct WorkflowNode: Sendable, Equatable {
    /// Unique in the workflow.
    public var id: String
    /// `workflow(0).process` and the like.
    public var name: String
    /// `Retry`, `Pod`, `Container`.
    public var type: String
    /// Which template it runs.
    public var templateName: String
    /// As a workflow's.
    public var phase: String
    /// The kubelet's or the executor's words.
    public var message: String
    /// `N/M`.
    public var progress: String
    /// When it began.
    public var startedAt: Timestamp?
    /// When it ended.
    public var finishedAt: Timestamp?
    /// Where its pod ran.
    public var host: String
    /// Where Argo says it.
    public var exitCode: Int?
    var boundaryID: String
    var children: [String]

    init?(json: JSONValue, key: String) {
        guard json.members != nil else { return nil }
        id = json["id"]?.text ?? key
        name = json["name"]?.text ?? ""
        type = json["type"]?.text ?? ""
        templateName = json["templateName"]?.text ?? ""
        phase = json["phase"]?.text ?? ""
        message = json["message"]?.text ?? ""
        progress = json["progress"]?.text ?? ""
        startedAt = RFC3339.timestamp(json["startedAt"]?.text)
        finishedAt = RFC3339.timestamp(json["finishedAt"]?.text)
        host = json["hostNodeName"]?.text ?? ""
        exitCode = json["outputs"]?["exitCode"]?.text.flatMap { Int($0) }
        boundaryID = json["boundaryID"]?.text ?? ""
        children = (json["children"]?.array ?? []).compactMap(\.text)
    }

    /// The container's name, where it is one.
    var container: String { name.split(separator: ".").last.map(String.init) ?? "" }

    /// N of `workflow(N)`; 0 for a pod that was never tried again.
    var retryIndex: Int {
        guard name.hasSuffix(")"), let open = name.lastIndex(of: "(") else { return 0 }
        return Int(name[name.index(after: open)...].dropLast()) ?? 0
    }

    /// Whether it has ended.
    var isFinished: Bool { ["Succeeded", "Failed", "Error", "Skipped", "Omitted"].contains(phase) }
}
