internal import Backends
internal import Configuration
internal import HTTPClient
internal import Model
internal import NodeODM
internal import Observability
internal import Reactor
internal import Record
internal import Storage

/// Makes the backends of the inventory: the one place that knows how each kind is made and what it stands on.
struct BackendBuilder: Sendable {
    /// Asks nodes.
    let client: CurlClient
    /// Asks clusters.
    let clusters: ClusterClients
    /// The files that nodes are sent.
    let storage: any ObjectStore
    /// `storage.s3`, without which no kind works that needs it.
    let s3: S3Settings?
    /// The installation's UUID, by which clusters tell its workflows from others'.
    let gateway: String
    /// The inventory's `downloads`.
    var downloads = DownloadMode.stream
    let clock: any WorldClock
    let logger: Logger
    /// Objects of tasks; nil for a probe.
    var buckets: ClientBuckets?
    /// Attempts in the record; nil for a probe.
    var store: TaskStore?
    /// Counts what backends are asked; nil for a probe.
    var metrics: UpstreamMetrics?

    /// A backend as the inventory defines it.
    /// - Throws: `StartError` for what the definition names and can't be used.
    func member(_ definition: BackendDefinition) throws -> FleetMember {
        var known = FleetMember.Definition(
            name: definition.name, kind: definition.kind, tier: definition.tier, weight: definition.weight,
            labels: definition.labels, maxParallelTasks: definition.maxParallelTasks, maxImages: definition.maxImages,
            onVanished: .rerun, url: definition.url?.origin ?? "in-cluster")
        known.redirectsDownloads = (definition.downloads ?? downloads) == .redirect
        known.catalog = try Self.catalog(of: definition)
        let backend: any Backend
        switch definition.settings {
        case .nodeodm(let settings):
            known.onVanished = settings.onVanished == .fail ? .fail : .rerun
            known.deadAfter = settings.deadAfter
            backend = try node(definition)
        case .argo(let settings):
            known.onVanished = settings.onVanished == .fail ? .fail : .rerun
            known.collectsOrphans = settings.collectOrphans
            known.engineImages = [settings.workflow.odmImage] + settings.workflow.allowedODMImages
            // Its load knows the inventory's limit, and what the cluster was seen to bear beside it.
            known.maxParallelTasks = nil
            backend = try cluster(definition, known.catalog)
        case .scaleodm(let settings):
            // Where it had started, nobody can tell what became of it.
            known.onVanished = .fail
            backend = try instance(definition, settings)
        }
        return FleetMember(known, backend: metrics.map { MeasuredBackend(backend, $0) } ?? backend)
    }

    private func node(_ definition: BackendDefinition) throws -> any Backend {
        let client = NodeODMClient(
            endpoint: try NodeEndpoint(definition), client: client, tls: TLSOptions(definition.tls))
        return NodeODMBackend(name: definition.name, client: client, storage: storage)
    }

    private func instance(_ definition: BackendDefinition, _ settings: ScaleODMSettings) throws -> any Backend {
        guard let slots = definition.maxParallelTasks else {
            throw StartError("Backend \(definition.name) has no max_parallel_tasks, and a ScaleODM doesn't tell it.")
        }
        var known = ScaleODMBackendSettings(slots: slots)
        known.mostImages = definition.maxImages
        known.onUnknown = settings.onUnknown == .resubmit ? .resubmit : .hold
        let client = ScaleODMClient(
            endpoint: try NodeEndpoint(definition), client: client, tls: TLSOptions(definition.tls))
        return ScaleODMBackend(
            name: definition.name, settings: known, client: client, copies: storage as? S3Store, clock: clock)
    }

    private func cluster(_ definition: BackendDefinition, _ catalog: OptionCatalog?) throws -> any Backend {
        guard let s3 else { throw StartError("Backend \(definition.name): kind argo needs storage.s3.") }
        return try ArgoBackend(
            definition,
            .init(
                gateway: gateway, s3: s3, calls: clusters.calls, streams: clusters.streams,
                objects: buckets.map { BucketObjects(buckets: $0) },
                records: store.map { AttemptRecords(store: $0, backend: definition.name) }, catalog: catalog,
                willBeWatched: store != nil, clock: clock, logger: logger))
    }

    /// The options of `options_file`; nil without one.
    /// - Throws: `StartError` where it can't be read.
    static func catalog(of definition: BackendDefinition) throws -> OptionCatalog? {
        guard let path = definition.optionsFile else { return nil }
        guard let bytes = SmallFile.bytes(of: path) else {
            throw StartError("Backend \(definition.name): options_file \(path) can't be read.")
        }
        do throws(WireFormatError) { return try OptionCatalog(decoding: bytes) } catch {
            throw StartError("Backend \(definition.name): options_file \(path) isn't what a node's /options answers.")
        }
    }
}

extension NodeEndpoint {
    /// As the inventory says.
    init(_ definition: BackendDefinition) throws {
        guard let url = definition.url else { throw StartError("Backend \(definition.name) has no url.") }
        let path = url.path.hasSuffix("/") ? String(url.path.dropLast()) : url.path
        self.init(
            isTLS: url.isSecure, host: url.host, port: url.port, basePath: path, token: definition.token?.reveal())
    }
}

extension TLSOptions {
    /// As the inventory says.
    init(_ settings: OutboundTLSSettings) {
        self.init()
        authoritiesFile = settings.caFile
        certificateFile = settings.clientCertificate
        keyFile = settings.clientKey
        serverName = settings.serverName
        isInsecure = settings.insecureSkipVerify
    }
}
