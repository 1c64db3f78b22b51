internal import Configuration
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
        _ tally: UploadTally, _ upstreams: UpstreamDirectory, _ tokens: TokenGuard
    ) -> NodeODMRoutes {
        let (storage, health) = (ground.places.files, ground.health)
        let intake = TaskIntake(
            fleet: parts.fleet, clock: parts.clock, random: parts.random,
            objectStorage: ObjectStorageIntake(buckets: parts.buckets), fileRefusal: ground.places.refusal)
        let images = ImageLimit(
            fleet: parts.fleet, configured: inventory.limits.images, owners: parts.owners)
        let receiver = UploadReceiver(
            storage: storage, store: parts.store, clock: parts.clock, health: health,
            fileLimit: inventory.limits.uploadFile, tally: tally)
        let commit = CommitHandler(
            lookup: parts.lookup, store: parts.store, storage: storage, health: health, clock: parts.clock,
            placement: parts.placement, fetching: fetching,
            images: images, tally: tally)
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
                images: images),
            newTask: NewTaskHandler(
                intake: intake, receiver: receiver, commit: commit, store: parts.store, clock: parts.clock),
            upload: UploadHandler(receiver: receiver, store: parts.store, clock: parts.clock), commit: commit,
            list: TaskListHandler(store: parts.store), taskInfo: TaskInfoHandler(lookup: parts.lookup),
            output: OutputHandler(lookup: parts.lookup),
            download: DownloadHandler(
                lookup: parts.lookup, upstreams: upstreams, logger: logger,
                notes: DownloadNotes(
                    parts.lookup, retentions: [inventory.limits.inputRetention, inventory.limits.taskRetention]),
                buckets: parts.buckets, tracesDownloads: spans != nil),
            action: TaskActionHandler(
                actions: TaskActions(
                    lookup: parts.lookup, store: parts.store, clock: parts.clock, images: images, wishes: wishes),
                intake: intake),
            auth: AuthHandler(), assets: AssetsHandler(lookup: parts.lookup, buckets: parts.buckets))
    }
}
