import Model
import YAML

extension BackendDefinition {
    /// Keys of every kind, but `name` and `kind`.
    static var commonFields: [Field<BackendDefinition>] {
        [
            Field("url", \.url, .optional(.url(isBase: true))),
            Field(secret: "token", \.token),
            Field("ca_file", \.tls.caFile, .optional(.path)),
            Field("client_certificate", \.tls.clientCertificate, .optional(.path)),
            Field("client_key", \.tls.clientKey, .optional(.path)),
            Field("server_name", \.tls.serverName, .optional(.text)),
            Field("insecure_skip_verify", \.tls.insecureSkipVerify, .bool),
            Field("max_parallel_tasks", \.maxParallelTasks, .optional(.integer(1...1_000_000))),
            Field("max_images", \.maxImages, .optional(.integer(1 ... .max))),
            Field("tier", \.tier, .integer(0...1000)),
            Field("weight", \.weight, .factor),
            Field("labels", \.labels, .labels),
            Field("downloads", \.downloads, .optional(.choice)),
            Field("options_file", \.optionsFile, .optional(.path)),
        ]
    }

    /// Keys that one kind has and others may not.
    static func fields(of kind: BackendKind) -> [Field<BackendDefinition>] {
        switch kind {
        case .nodeodm:
            [
                Field("on_vanished", \.nodeodm.onVanished, .choice),
                Field("dead_after", \.nodeodm.deadAfter, .optional(.duration(atLeast: .seconds(60)))),
            ]
        case .scaleodm: [Field("on_unknown", \.scaleodm.onUnknown, .choice)]
        case .argo:
            [
                Field("api", \.argo.api, .choice),
                Field("namespace", \.argo.namespace, .text),
                Field("count_foreign", \.argo.countForeign, .bool),
                Field("max_pending", \.argo.maxPending, .duration()),
                Field("on_vanished", \.argo.onVanished, .choice),
                Field("create_fence", \.argo.createFence, .duration()),
                Field("collect_orphans", \.argo.collectOrphans, .bool),
                Field("workflow", \.argo.workflow, .section),
            ]
        }
    }

    // Views of the settings for the fields; only those of the backend's own kind are used.

    fileprivate var nodeodm: NodeODMSettings {
        get { if case .nodeodm(let settings) = settings { settings } else { NodeODMSettings() } }
        set { settings = .nodeodm(newValue) }
    }
    fileprivate var scaleodm: ScaleODMSettings {
        get { if case .scaleodm(let settings) = settings { settings } else { ScaleODMSettings() } }
        set { settings = .scaleodm(newValue) }
    }
    fileprivate var argo: ArgoSettings {
        get { if case .argo(let settings) = settings { settings } else { ArgoSettings() } }
        set { settings = .argo(newValue) }
    }
}

extension WorkflowSettings: Section {
    static var fields: [Field<WorkflowSettings>] {
        [
            Field("odm_image", \.odmImage, .text),
            Field("allowed_odm_images", \.allowedODMImages, .list(.text)),
            Field("rclone_image", \.rcloneImage, .text),
            Field("template_file", \.templateFile, .optional(.path)),
            Field("service_account", \.serviceAccount, .text),
            Field("s3_secret", \.s3Secret, .text),
            Field("s3_endpoint", \.s3Endpoint, .optional(.url(isBase: true))),
            Field("workspace", \.workspace, .section),
            Field("resources", \.resources, .passed(asList: false)),
            Field("node_selector", \.nodeSelector, .labels),
            Field("tolerations", \.tolerations, .passed(asList: true)),
            Field("capacity", \.capacity, .section),
            Field("active_deadline", \.activeDeadline, .duration(atLeast: .seconds(60))),
            Field("archive_logs", \.archiveLogs, .bool),
            Field("ttl", \.ttl, .section),
            Field("oom_retry", \.oomRetry, .bool),
        ]
    }
}

extension WorkspaceSettings: Section {
    static var fields: [Field<WorkspaceSettings>] {
        [Field("size", \.size, .text), Field("storage_class", \.storageClass, .optional(.text))]
    }
}

extension CapacitySettings: Section {
    static var fields: [Field<CapacitySettings>] {
        [Field("spot", \.spot, .section), Field("on-demand", \.onDemand, .section)]
    }
}

extension CapacitySettings.Placement: Section {
    static var fields: [Field<CapacitySettings.Placement>] {
        [
            Field("node_selector", \.nodeSelector, .labels),
            Field("tolerations", \.tolerations, .passed(asList: true)),
        ]
    }
}

extension WorkflowTTL: Section {
    static var fields: [Field<WorkflowTTL>] {
        [
            Field("success", \.success, .duration(atLeast: .seconds(600))),
            Field("failure", \.failure, .duration(atLeast: .seconds(600))),
        ]
    }
}
