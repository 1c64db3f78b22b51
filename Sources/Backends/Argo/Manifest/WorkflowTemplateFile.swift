public import NodeODM

/// A Workflow of the operator's own, in place of the gateway's (`workflow.template_file`).
///
/// Its entrypoint's container set must have `download`, `process` and `upload`, and `upload` must write `_DONE.json`. The gateway
/// sets name, labels, annotations, deadline and TTL, and in those three the task and the access to the object store; resources
/// of `process` only where the file has none.
public struct WorkflowTemplateFile: Sendable, Equatable {
    static let containers = ["download", "process", "upload"]

    /// Its metadata without a name.
    let metadata: JSONValue
    private let spec: JSONValue
    private let entrypoint: String

    /// Checks a file.
    /// - Parameter json: the Workflow object.
    /// - Throws: ``ManifestError`` with code `inventory` that says what is missing.
    public init(json: JSONValue) throws(ManifestError) {
        guard json["kind"]?.text == "Workflow", json["apiVersion"]?.text == "argoproj.io/v1alpha1" else {
            throw ManifestError(.inventory, "it must be a Workflow of argoproj.io/v1alpha1")
        }
        guard let spec = json["spec"], let entrypoint = spec["entrypoint"]?.text else {
            throw ManifestError(.inventory, "spec.entrypoint is missing")
        }
        let templates = (spec["templates"]?.array ?? []).filter { $0["name"]?.text == entrypoint }
        guard let template = templates.first, templates.count == 1 else {
            throw ManifestError(.inventory, "spec.templates must have one template named \(entrypoint)")
        }
        let names = (template["containerSet"]?["containers"]?.array ?? []).compactMap { $0["name"]?.text }
        guard let missing = Self.containers.first(where: { !names.contains($0) }) else {
            self.spec = spec
            self.entrypoint = entrypoint
            let kept = json["metadata"] ?? .object([])
            metadata = ["name", "generateName", "namespace", "uid", "resourceVersion", "creationTimestamp"]
                .reduce(kept) { $0.removing($1) }
            return
        }
        throw ManifestError(.inventory, "the container set of \(entrypoint) lacks a container named \(missing)")
    }

    /// The spec for a task.
    func spec(
        variables: [JSONValue], labels: [String: String], profile: WorkflowProfile, sizing: ResourceSizing
    ) -> JSONValue {
        let parts = WorkflowParts(profile: profile, sizing: sizing, image: "", variables: variables, labels: labels)
        let templates = (spec["templates"]?.array ?? []).map { template in
            template["name"]?.text == entrypoint ? filled(template, variables, parts) : template
        }
        let podMetadata = (spec["podMetadata"] ?? .object([])).merging(.members(["labels": .texts(labels)]))
        return spec.setting("templates", .array(templates)).setting("podMetadata", podMetadata)
            .setting("activeDeadlineSeconds", .integer(profile.activeDeadline.components.seconds))
            .setting("ttlStrategy", WorkflowParts.ttl(profile))
    }

    private func filled(_ template: JSONValue, _ variables: [JSONValue], _ parts: WorkflowParts) -> JSONValue {
        let containers = (template["containerSet"]?["containers"]?.array ?? []).map { container -> JSONValue in
            guard let name = container["name"]?.text, Self.containers.contains(name) else { return container }
            let ours = Set(variables.compactMap { $0["name"]?.text })
            let kept = (container["env"]?.array ?? []).filter { !ours.contains($0["name"]?.text ?? "") }
            let told = container.setting("env", .array(kept + variables))
            guard name == "process", container["resources"] == nil else { return told }
            return told.setting("resources", parts.engineResources)
        }
        let set = (template["containerSet"] ?? .object([])).setting("containers", .array(containers))
        return template.setting("containerSet", set)
    }
}
