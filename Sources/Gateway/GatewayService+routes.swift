internal import Configuration
internal import Digests
internal import HTTPServer
internal import Model
internal import Reactor
internal import Record
internal import Storage

/// The API's handlers.
extension GatewayService {
    /// Handlers of the NodeODM API over the parts of the gateway.
    func apiRoutes(
        _ parts: DispatchParts, _ ground: Groundwork, _ dispatcher: Dispatcher, _ fetching: WakeUp,
        _ upstreams: UpstreamDirectory
    ) -> NodeODMRoutes {
        let (storage, health) = (ground.places.files, ground.health)
        let entries = inventory.auth.tokens.compactMap { token in
            SHA256Digest(bytes: token.sha256).map { TokenGuard.Entry(name: token.name, digest: $0) }
        }
        let tokens = TokenGuard(entries, isRequired: inventory.auth.required)
        let intake = TaskIntake(
            fleet: parts.fleet, clock: parts.clock, random: parts.random,
            objectStorage: ObjectStorageIntake(buckets: parts.buckets))
        let tally = UploadTally(limit: inventory.limits.uploadTask)
        let receiver = UploadReceiver(
            storage: storage, store: parts.store, clock: parts.clock, health: health,
            fileLimit: inventory.limits.uploadFile, tally: tally)
        let commit = CommitHandler(
            lookup: parts.lookup, store: parts.store, storage: storage, health: health, clock: parts.clock,
            placement: parts.placement, fetching: fetching,
            images: ImageLimit(fleet: parts.fleet, configured: inventory.limits.images),
            tally: tally)
        let control = control
        let wishes: @Sendable (TaskID) -> Void = { id in
            // The dispatcher is on another loop, and the answer doesn't wait for it.
            Task(executorPreference: control) { await dispatcher.stop(id) }
            parts.cleaning.wake()
            parts.placement.wake()
            fetching.wake()
        }
        return NodeODMRoutes(
            tokens: tokens, origin: CrossOrigin(origins: inventory.cors.origins),
            unauthorizedIs200: inventory.auth.unauthorized == .nodeodm,
            info: InfoHandler(
                fleet: parts.fleet, mirror: parts.mirror, gatewayVersion: Self.version,
                maxImages: inventory.limits.images,
                hasTokens: tokens.isOn),
            newTask: NewTaskHandler(
                intake: intake, receiver: receiver, commit: commit, store: parts.store, clock: parts.clock),
            upload: UploadHandler(receiver: receiver, store: parts.store, clock: parts.clock), commit: commit,
            list: TaskListHandler(store: parts.store), taskInfo: TaskInfoHandler(lookup: parts.lookup),
            output: OutputHandler(lookup: parts.lookup),
            download: DownloadHandler(
                lookup: parts.lookup, upstreams: upstreams, logger: logger, buckets: parts.buckets,
                redirected: redirected, tracesDownloads: spans != nil),
            action: TaskActionHandler(
                lookup: parts.lookup, intake: intake, store: parts.store, clock: parts.clock, wishes: wishes),
            auth: AuthHandler(), assets: AssetsHandler(lookup: parts.lookup, buckets: parts.buckets))
    }

    /// Backends whose results are fetched by pre-signed URLs.
    private var redirected: Set<BackendName> {
        Set(inventory.backends.filter { ($0.downloads ?? inventory.downloads) == .redirect }.map(\.name))
    }
}
