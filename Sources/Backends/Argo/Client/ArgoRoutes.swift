internal import HTTPTypes

/// Paths and queries of both APIs (the Argo contract, 2.3 and 2.4).
struct ArgoRoutes {
    typealias Query = [(String, String)]

    let api: ArgoConnection.API
    let namespace: String

    /// The fields that the gateway reads of a workflow; the rest isn't sent, the scripts in its spec above all.
    private static let workflowFields = [
        "metadata.name", "metadata.uid", "metadata.labels", "metadata.resourceVersion", "metadata.creationTimestamp",
        "spec.shutdown", "status.phase", "status.message", "status.startedAt", "status.finishedAt", "status.nodes",
    ]

    /// The collection.
    var workflows: String {
        switch api {
        case .argoServer: path("/api/v1/workflows", namespace)
        case .kubernetes: path("/apis/argoproj.io/v1alpha1/namespaces", namespace) + "/workflows"
        }
    }

    func workflow(_ name: String) -> String { path(workflows, name) }

    func get(_ name: String) -> String {
        switch api {
        case .argoServer: Self.target(workflow(name), [("fields", Self.workflowFields.joined(separator: ","))])
        case .kubernetes: workflow(name)
        }
    }

    /// What list of names alone is asked for by, where a field of the request says it.
    var briefList: String? {
        switch api {
        case .argoServer: nil
        case .kubernetes: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json"
        }
    }

    func list(_ selector: String, limit: Int, from place: String?, isBrief: Bool = false) -> String {
        switch api {
        case .argoServer:
            let fields = Self.workflowFields.filter { !isBrief || $0.hasPrefix("metadata.") }
            // Without the field selector a list that is cut off says nothing of it (the contract, 9).
            var query: Query = [
                ("listOptions.labelSelector", selector), ("listOptions.limit", String(limit)),
                ("listOptions.fieldSelector", "ext.showRemainingItemCount=true"),
                ("fields", "metadata,\(fields.map { "items.\($0)" }.joined(separator: ","))"),
            ]
            if let place { query.append(("listOptions.continue", place)) }
            return Self.target(workflows, query)
        case .kubernetes:
            var query: Query = [("labelSelector", selector), ("limit", String(limit))]
            if let place { query.append(("continue", place)) }
            return Self.target(workflows, query)
        }
    }

    func watch(_ selector: String, from version: String) -> String {
        switch api {
        case .argoServer:
            // The HTTP layer filters the envelope of a failure too: it must be named. `result.object` alone would be empty.
            let fields = Self.workflowFields.map { "result.object.\($0)" }
            return Self.target(
                path("/api/v1/workflow-events", namespace),
                [
                    ("listOptions.labelSelector", selector), ("listOptions.resourceVersion", version),
                    ("fields", "error,result.type,\(fields.joined(separator: ","))"),
                ])
        case .kubernetes:
            return Self.target(
                workflows,
                [
                    ("watch", "1"), ("labelSelector", selector), ("resourceVersion", version),
                    ("allowWatchBookmarks", "true"), ("timeoutSeconds", "290"),
                ])
        }
    }

    func log(_ name: String, pod: String, container: String, since: Int64?, follows: Bool) -> String {
        let follow = follows ? "true" : "false"
        switch api {
        case .argoServer:
            var query: Query = [
                ("podName", pod), ("logOptions.container", container), ("logOptions.timestamps", "true"),
                ("logOptions.follow", follow),
            ]
            if let since { query.append(("logOptions.sinceTime.seconds", String(since))) }
            return Self.target(workflow(name) + "/log", query)
        case .kubernetes:
            var query: Query = [("container", container), ("timestamps", "true"), ("follow", follow)]
            if let since { query.append(("sinceTime", RFC3339.text(seconds: since))) }
            return Self.target(path(path("/api/v1/namespaces", namespace) + "/pods", pod) + "/log", query)
        }
    }

    /// The console that Argo keeps in its artifact repository; its server has it, Kubernetes doesn't.
    func archivedLog(_ workflow: WorkflowObject, node: String, container: String) -> String? {
        guard api == .argoServer else { return nil }
        let kind = workflow.isArchived ? "archived-workflows" : "workflows"
        let id = workflow.isArchived ? workflow.uid : workflow.name
        return path(path(path("/artifact-files", namespace) + "/\(kind)", id), node) + "/outputs/\(container)-logs"
    }

    func archived(_ uid: String) -> String? {
        guard api == .argoServer else { return nil }
        return Self.target(path("/api/v1/archived-workflows", uid), [("namespace", namespace)])
    }

    var version: String { api == .argoServer ? "/api/v1/version" : "/version" }

    private func path(_ base: String, _ segment: String) -> String { "\(base)/\(PercentEncoding.encode(segment))" }

    static func target(_ path: String, _ query: Query) -> String {
        let items = query.map { FormURLEncoded.Item(name: $0.0, value: $0.1) }
        return items.isEmpty ? path : "\(path)?\(FormURLEncoded.encode(items))"
    }
}
