internal import Backends
internal import Configuration
import Glibc
internal import HTTPClient
internal import Model
internal import NodeODM
internal import Observability
internal import Reactor
internal import YAML

extension ArgoBackend {
    /// What an Argo backend works with beside its definition.
    struct Surroundings {
        /// The installation's UUID.
        var gateway: String
        /// `storage.s3`.
        var s3: S3Settings
        /// Makes calls.
        var calls: CurlClient
        /// Holds watches and followed consoles, a connection each.
        var streams: CurlClient
        /// Markers and descriptions in the object store.
        var objects: (any SmallObjects)?
        /// Attempts in the record.
        var records: (any WorkflowRecords)?
        /// The engine's options; nil: those of the reference engine.
        var catalog: OptionCatalog?
        /// Whether it becomes a member of a fleet, whose backends are all run.
        var willBeWatched = false
        /// Of the world.
        var clock: any WorldClock
        /// For what nobody asks about.
        var logger: Logger?
    }

    /// A cluster as the inventory defines it.
    /// - Throws: `StartError` where the definition is of another kind, or names what can't be used.
    convenience init(_ definition: BackendDefinition, _ around: Surroundings) throws {
        guard case .argo(let argo) = definition.settings else {
            throw StartError("Backend \(definition.name) isn't of kind argo.")
        }
        var settings = ArgoBackendSettings(gateway: around.gateway)
        settings.profile = try Self.profile(argo.workflow, around.s3, of: definition.name)
        settings.documents = around.s3.own
        settings.slots = definition.maxParallelTasks
        settings.mostImages = definition.maxImages
        settings.countsForeign = argo.countForeign
        settings.longestPending = argo.maxPending
        settings.createFence = argo.createFence
        settings.retriesOutOfMemory = argo.workflow.oomRetry
        settings.rerunsVanished = argo.onVanished == .rerun
        if let catalog = around.catalog { settings.catalog = catalog }
        self.init(
            name: definition.name, settings: settings,
            client: ArgoClient(
                connection: try Self.connection(definition, argo), client: around.calls, streams: around.streams,
                clock: around.clock),
            objects: around.objects, records: around.records, willBeWatched: around.willBeWatched, clock: around.clock,
            logger: around.logger)
    }

    // MARK: The connection

    /// Where a pod finds what its service account may use.
    private static let accountFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

    private static func connection(
        _ definition: BackendDefinition, _ argo: ArgoSettings
    ) throws -> ArgoConnection {
        let api: ArgoConnection.API = argo.api == .kubernetes ? .kubernetes : .argoServer
        var tls = TLSOptions(definition.tls)
        if let url = definition.url {
            let path = url.path.hasSuffix("/") ? String(url.path.dropLast()) : url.path
            return ArgoConnection(
                api: api, origin: url.origin + path, namespace: argo.namespace, token: definition.token, tls: tls)
        }
        guard let host = environment("KUBERNETES_SERVICE_HOST"), let port = environment("KUBERNETES_SERVICE_PORT")
        else {
            throw StartError(
                "Backend \(definition.name) has no url, and KUBERNETES_SERVICE_HOST isn't set: the gateway doesn't run in a cluster."
            )
        }
        if tls.authoritiesFile == nil { tls.authoritiesFile = "\(accountFolder)/ca.crt" }
        let token: Secret
        do { token = try definition.token ?? Secret(file: "\(accountFolder)/token") } catch {
            throw StartError("Backend \(definition.name): the service account's token can't be read: \(error)")
        }
        let name = host.contains(":") ? "[\(host)]" : host
        return ArgoConnection(
            api: .kubernetes, origin: "https://\(name):\(port)", namespace: argo.namespace, token: token, tls: tls)
    }

    private static func environment(_ name: String) -> String? {
        guard let value = getenv(name) else { return nil }
        let text = String(cString: value)
        return text.isEmpty ? nil : text
    }

    // MARK: Workflows

    /// What the inventory says of a cluster's workflows.
    /// - Throws: `StartError` for what can't be used.
    static func profile(
        _ workflow: WorkflowSettings, _ s3: S3Settings, of name: BackendName
    ) throws -> WorkflowProfile {
        var profile = WorkflowProfile()
        profile.engineImage = workflow.odmImage
        profile.allowedEngineImages = workflow.allowedODMImages
        profile.rcloneImage = workflow.rcloneImage
        profile.serviceAccount = workflow.serviceAccount
        profile.s3Secret = workflow.s3Secret
        let endpoint = workflow.s3Endpoint ?? s3.endpoint
        profile.s3Endpoint = endpoint.host.hasSuffix("amazonaws.com") ? nil : endpoint.origin
        profile.s3Region = s3.region
        profile.usesPathStyle = s3.usesPathStyle
        profile.storageClass = workflow.workspace.storageClass
        profile.placement = .init(
            nodeSelector: workflow.nodeSelector, tolerations: json(workflow.tolerations).array ?? [])
        profile.spot = placement(workflow.capacity.spot)
        profile.onDemand = placement(workflow.capacity.onDemand)
        profile.activeDeadline = workflow.activeDeadline
        profile.archivesLogs = workflow.archiveLogs
        profile.ttlAfterSuccess = workflow.ttl.success
        profile.ttlAfterFailure = workflow.ttl.failure
        do throws(ManifestError) {
            profile.workspaceSize = try WorkflowProfile.workspaceSize(workflow.workspace.size)
            profile.resources = try ResourceOverrides(json: json(workflow.resources))
            if let file = workflow.templateFile { profile.template = try template(file) }
        } catch {
            throw StartError("Backend \(name), workflow: \(error.message).")
        }
        return profile
    }

    private static func placement(_ placement: CapacitySettings.Placement) -> WorkflowProfile.Placement {
        .init(nodeSelector: placement.nodeSelector, tolerations: json(placement.tolerations).array ?? [])
    }

    private static func template(_ path: String) throws(ManifestError) -> WorkflowTemplateFile {
        guard let text = SmallFile.bytes(of: path).flatMap({ String(validating: $0, as: UTF8.self) }) else {
            throw ManifestError(.inventory, "template_file \(path) can't be read")
        }
        let (root, problems) = YAMLParser.parse(text)
        guard let root, problems.isEmpty else {
            throw ManifestError(.inventory, "template_file \(path): \(problems.first?.description ?? "isn't YAML")")
        }
        do throws(ManifestError) { return try WorkflowTemplateFile(json: json(root)) } catch {
            throw ManifestError(.inventory, "template_file \(path): \(error.message)")
        }
    }

    // MARK: YAML as JSON

    private static func json(_ value: YAMLValue) -> JSONValue {
        switch value {
        case .null: .null
        case .plain(let text): scalar(text)
        case .text(let text): .string(text)
        case .list(let values): .array(values.map(json))
        case .mapping(let entries): .object(entries.map { JSONMember(name: $0.key, value: json($0.value)) })
        }
    }

    private static func json(_ node: YAMLNode) -> JSONValue {
        switch node.content {
        case .sequence(let nodes): .array(nodes.map(json))
        case .mapping(let entries): .object(entries.map { JSONMember(name: $0.key, value: json($0.value)) })
        case .scalar(let text) where text.isNull: .null
        case .scalar(let text): text.isPlain ? scalar(text.text) : .string(text.text)
        }
    }

    /// A scalar without quotes: what it looks like, as in YAML's core schema.
    private static func scalar(_ text: String) -> JSONValue {
        if text == "true" || text == "false" { return .bool(text == "true") }
        if let number = Int64(text) { return .integer(number) }
        let isNumber = text.utf8.allSatisfy { (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0) }
        if isNumber, let number = Double(text), number.isFinite { return .double(number) }
        return .string(text)
    }
}
