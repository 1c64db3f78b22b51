internal import Backends
internal import Configuration
internal import HTTPClient
internal import Model
internal import NodeODM
internal import Observability
internal import Record
internal import Storage

extension FleetMember {
    /// A backend as the inventory defines it.
    /// - Parameters:
    ///   - definition: one entry of the inventory.
    ///   - client: asks it.
    ///   - storage: of the inputs.
    ///   - downloads: the inventory's `downloads`.
    /// - Throws: `StartError` for a kind that this version can't drive, and where its token can't be read.
    init(
        _ definition: BackendDefinition, client: CurlClient, storage: any ObjectStore,
        downloads: DownloadMode = .stream
    ) throws {
        guard case .nodeodm(let settings) = definition.settings, let url = definition.url else {
            throw StartError("Backend \(definition.name): kind \(definition.kind.rawValue) isn't supported yet.")
        }
        let path = url.path.hasSuffix("/") ? String(url.path.dropLast()) : url.path
        let endpoint = NodeEndpoint(
            isTLS: url.isSecure, host: url.host, port: url.port, basePath: path, token: definition.token?.reveal())
        var tls = TLSOptions()
        tls.authoritiesFile = definition.tls.caFile
        tls.certificateFile = definition.tls.clientCertificate
        tls.keyFile = definition.tls.clientKey
        tls.serverName = definition.tls.serverName
        tls.isInsecure = definition.tls.insecureSkipVerify
        self.init(
            Definition(
                name: definition.name, kind: definition.kind, tier: definition.tier, weight: definition.weight,
                labels: definition.labels, maxParallelTasks: definition.maxParallelTasks,
                maxImages: definition.maxImages,
                onVanished: settings.onVanished == .fail ? .fail : .rerun, deadAfter: settings.deadAfter,
                url: url.origin, redirectsDownloads: (definition.downloads ?? downloads) == .redirect),
            backend: NodeODMBackend(
                name: definition.name, client: NodeODMClient(endpoint: endpoint, client: client, tls: tls),
                storage: storage))
    }

    /// Takes over what an earlier life learnt of this backend.
    mutating func recall(_ known: RememberedBackend) {
        load = known.info.flatMap { BackendLoad(json: $0) }
        catalog = known.options.flatMap { try? OptionCatalog(decoding: Array($0.utf8)) }
        switches = Switches(
            isLocked: known.switches.isLocked, isDraining: known.switches.isDraining,
            isRetired: known.switches.isRetired)
    }
}
