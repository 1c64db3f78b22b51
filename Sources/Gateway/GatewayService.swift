internal import Backends
public import Configuration
internal import HTTPClient
internal import HTTPServer
internal import HTTPTypes
internal import Model
internal import NodeODM
public import Observability
public import Reactor
internal import Record
internal import SQL
internal import Storage

/// Builds the parts of a gateway from an inventory and runs them as one group of services.
public struct GatewayService: Sendable {
    /// The version of this program.
    public static let version = "0.1.0"

    let inventory: Inventory
    let control: EventLoop
    let logger: Logger
    private let loops: [EventLoop]
    private let status = GatewayStatus()
    private let source: InventorySource?
    let metrics: GatewayMetrics
    private let changes = LiveChanges()
    private let tracing: TraceSettings?
    /// Where spans go; nil where no collector is named.
    let spans: SpanQueue?

    /// - Parameters:
    ///   - inventory: what the operator wrote.
    ///   - loops: serve the clients.
    ///   - control: runs the control plane, so that it doesn't disturb them.
    ///   - logger: for everything.
    ///   - source: where the inventory came from, so that it can be read again; nil: it can't.
    ///   - environment: names a collector of traces, by OpenTelemetry's variables.
    public init(
        _ inventory: Inventory, loops: [EventLoop], control: EventLoop, logger: Logger, source: InventorySource? = nil,
        environment: (String) -> String?
    ) {
        self.source = source
        metrics = GatewayMetrics()
        tracing = TraceSettings(environment)
        spans = tracing == nil ? nil : SpanQueue(metrics: metrics)
        self.inventory = inventory
        self.loops = loops
        self.control = control
        self.logger = logger
    }

    /// Whether every event loop turns; a process in which one doesn't is to be started anew.
    public var isAlive: Bool { status.isAlive(at: .now()) }

    /// What clients and operators connect to.
    public enum Listener: Sendable {
        /// The NodeODM API.
        case api
        /// Probes and the admin API.
        case admin
    }

    /// Told of a listener's address once it accepts.
    public typealias Announce = @Sendable (_ listener: Listener, _ address: String) -> Void

    /// Runs until cancelled, then drains.
    ///
    /// The admin listener opens at once, and closes last; the API's only once the database has answered.
    /// - Parameter announce: told of each listener.
    /// - Throws: why it couldn't start, or which part failed.
    public func run(announce: @escaping Announce) async throws {
        let heartbeat = LoopHeartbeat(loops: loops + [control])
        FleetSamples(status: status, heartbeat: heartbeat).add(to: metrics.registry)
        CertificateSamples(inventory).add(to: metrics.registry)
        // Whoever calls this has just read the inventory.
        metrics.noteReload(isSuccessful: true, at: SystemClock().timestamp)
        let admin = try await adminListener(heartbeat)
        announce(.admin, "\(try await admin.bind())")
        let serving = Part(name: "gateway") { try await serve(announce) }
        try await withTaskCancellationHandler {
            try await ServiceGroup([heartbeat, admin, serving], on: control).run()
        } onCancel: {
            status.drain()
        }
        logger.sink.flush()
    }

    /// Says on /readyz that the end is near, while clients are still served: balancers stop sending new ones.
    public func announceDraining() { status.drain() }

    /// Reads the inventory again and takes over what has changed; of a mistake only the log tells.
    public func reload() async {
        guard source != nil else { return logger.warning("nothing is reloaded: the inventory came from no file") }
        guard let parts = status.stage.parts, let reloader = parts.backends.reloader else {
            return logger.warning("nothing is reloaded while the gateway starts")
        }
        _ = await reloader.reload(because: .signal)
    }

    /// Everything but the admin listener, as one service.
    private struct Part: Service {
        let name: String
        let body: @Sendable () async throws -> Void
        func run() async throws { try await body() }
    }

    private func serve(_ announce: Announce) async throws {
        let ground = try await Groundwork.open(
            inventory, loops: loops, control: control, status, metrics, logger)
        let upstreams = UpstreamDirectory(loops: loops, blockingPool: ground.pool, metrics: metrics.upstream)
        let ended: Result<Void, any Error>
        do {
            ended = .success(try await serve(on: ground, upstreams, announce))
        } catch {
            ended = .failure(error)
        }
        await upstreams.close()
        await ground.close()
        try ended.get()
    }

    private func serve(
        on ground: Groundwork, _ upstreams: UpstreamDirectory, _ announce: Announce
    ) async throws {
        let buckets = try ClientBuckets(
            inventory, client: ground.places.client ?? ground.client, clock: ground.clock)
        let roster = try await roster(on: ground, buckets)
        let parts = try await parts(on: ground, roster, buckets)
        let dispatcher = Dispatcher(
            parts, prefetch: inventory.scheduling.prefetch, spillAfter: inventory.scheduling.spillAfter, loop: control)
        let fetching = WakeUp()
        let tokens = TokenGuard(inventory.auth)
        let tally = UploadTally(limit: inventory.limits.uploadTask)
        let marks = LifeMarks(folder: inventory.storage.directory, pool: ground.pool)
        let id = TaskID(randomUUID: parts.random).string
        let replica = Replica(
            parts, ground.record.leases, dispatcher, fetching, tally, marks, logger, holder: id, loop: control)
        var routes = apiRoutes(parts, ground, dispatcher, fetching, tally, upstreams, tokens)
        routes.health = HealthHandler { [status, minFree = inventory.storage.minFree] in
            Readiness(status.stage, minFree: minFree, now: .now())
        }
        let api = try await apiListener(routes, ground.pool)
        let health = HealthWatch(
            ping: DatabasePing(ground.database), storage: ground.places.files,
            isStorageShared: ground.places.bucket != nil, clock: ground.clock)
        let reloader = source.map { source in
            Reloader(
                source, running: inventory, roster: roster, tokens: tokens, owners: parts.owners, pool: ground.pool,
                clock: ground.clock, logger: logger, loop: control, metrics: metrics)
        }
        let background = controlServices(parts, ground, fetching, replica)
        let tasks = TasksResource(
            store: parts.store, events: ground.record.events, mirror: parts.mirror, fleet: parts.fleet,
            clock: ground.clock, waitingReason: { await dispatcher.waitingReason(of: $0) })
        let live = LiveParts(identity(id, ground), parts, tasks: tasks, health, loop: control)
        var services = replica.first + background + live.services + [roster, health, dispatcher, api]
        if let reloader { services.append(reloader) }
        if let tracing, let spans {
            services.append(
                SpanExporter(
                    queue: spans, settings: tracing, client: ground.client, clock: ground.clock, logger: logger))
        }
        services += replica.last
        announce(.api, "\(try await api.bind())")
        status.serve(
            .init(
                store: parts.store, events: ground.record.events, fleet: parts.fleet, mirror: parts.mirror,
                health: health,
                backends: BackendControl(roster: roster, dispatcher: dispatcher, parts: parts, reloader: reloader),
                live: live, tasks: routes.action.actions))
        try await ServiceGroup(services, on: control).run()
    }

    private func identity(_ replica: String, _ ground: Groundwork) -> GatewayResource.Identity {
        GatewayResource.Identity(
            version: Self.version, hostName: HostName.current, replica: replica, startedAt: status.startedAt,
            database: ground.database.dialect, storage: ground.places.bucket == nil ? "folder" : "s3")
    }

    /// All that works in the background.
    private func controlServices(
        _ parts: DispatchParts, _ ground: Groundwork, _ fetching: WakeUp, _ replica: Replica
    ) -> [any Service] {
        let (record, places) = (ground.record, ground.places)
        return [
            Monitor(
                fleet: parts.fleet, memory: record.backends, placement: parts.placement, clock: parts.clock,
                refresh: inventory.scheduling.refresh, logger: logger),
            replica.follower, BackendWork(fleet: parts.fleet),
            MirrorRefresher(parts: parts, policy: ReadingPolicy(refresh: inventory.mirror.refresh), loop: control),
            Cleaner(parts: parts, cleanups: record.cleanups, storage: places.files), OrphanWatch(parts: parts),
            Janitor(
                parts: parts, storage: places.files, spool: places.bucket == nil ? nil : places.folder,
                health: ground.health, isAlone: record.database.dialect == .sqlite,
                staleUpload: inventory.limits.staleUpload, inputRetention: inventory.limits.inputRetention,
                taskRetention: inventory.limits.taskRetention),
            ground.watch,
            WebhookSender(
                parts: parts, outbox: record.webhooks, client: ground.client,
                outboundGuard: inventory.webhooks.allowPrivateAddresses ? nil : OutboundGuard()),
            Fetcher(
                parts, client: ground.client, spool: places.folder, storage: places.files, health: ground.health,
                rules: fetchRules(parts), wake: fetching, loop: control),
        ]
    }

    private func parts(
        on ground: Groundwork, _ roster: Roster, _ buckets: ClientBuckets?
    ) async throws -> DispatchParts {
        let fleet = roster.fleet
        let record = ground.record
        let database = ground.database
        let isShared = database.dialect == .postgresql
        let duties = isShared ? Duties.shared(ground.clock) : .alone
        let following = Following()
        let mirror = StatusMirror(
            mayForget: { database.isUp }, endDelay: { duties.replicas > 1 ? .seconds(1) : .zero }, changes: changes)
        let lookup = TaskLookup(
            mirror: mirror, store: record.tasks, fleet: fleet, clock: ground.clock,
            isFollowing: { !isShared || !database.isUp || following.isTrue(at: database.listenEpoch) })
        try await lookup.takeOver()
        var parts = DispatchParts(
            store: record.tasks, mirror: mirror, lookup: lookup, fleet: fleet, durable: Durable(clock: ground.clock),
            clock: ground.clock,
            random: SystemRandomBits(), logger: logger, placement: WakeUp(), cleaning: WakeUp(),
            webhookWake: WakeUp(), attemptLimit: inventory.scheduling.attempts,
            impossibleAfter: inventory.scheduling.impossibleAfter,
            webhooks: WebhookPolicy(nodeWideURL: inventory.webhooks.url?.description),
            owners: OwnerPolicies(inventory.auth))
        parts.metrics = metrics
        parts.changes = changes
        parts.spans = spans
        parts.roster = roster
        parts.buckets = buckets
        (parts.duties, parts.following) = (duties, following)
        if isShared {
            parts.fences = Fences(leases: record.leases, holder: TaskID(randomUUID: parts.random).string)
        }
        return parts
    }

    private func roster(on ground: Groundwork, _ buckets: ClientBuckets?) async throws -> Roster {
        let builder = BackendBuilder(
            client: ground.client, clusters: ground.clusters, storage: ground.places.files, s3: inventory.storage.s3,
            gateway: ground.record.installationID, downloads: inventory.downloads, clock: ground.clock, logger: logger,
            buckets: buckets, store: ground.record.tasks, metrics: metrics.upstream)
        let roster = Roster(
            fleet: Fleet([], offlineAfter: inventory.scheduling.offlineAfter, changes: changes),
            memory: ground.record.backends,
            isAlone: ground.record.database.dialect == .sqlite, clock: ground.clock, logger: logger, loop: control,
            make: { definition in try builder.member(definition) })
        let change = try await roster.list(inventory.backends)
        if !change.retired.isEmpty {
            logger.info("backends that left the inventory serve what they have", change.logged)
        }
        return roster
    }

    // MARK: Listeners

    private func apiListener(_ routes: NodeODMRoutes, _ pool: BlockingPool) async throws -> HTTPListener {
        let router = routes.router
        let counts = HTTPMetrics(listener: "api", routes: router.routeNames, loops: loops.count)
        let line = AccessLine(
            listener: "api", logger: logger, metrics: counts, routes: router.routeNames, sampled: NodeODMRoutes.polls,
            spans: spans)
        let listener = HTTPListener(
            name: "api", address: try await address(inventory.listen, pool), loops: loops, limits: limits,
            errorAnswer: { error, request in
                routes.answer(to: error, request) ?? (HTTPResponse(.serviceUnavailable), [])
            },
            accessLog: { entry in line.note(entry) }, react: router.reaction)
        metrics.listeners.add(counts, listener)
        return listener
    }

    private func adminListener(_ heartbeat: LoopHeartbeat) async throws -> HTTPListener {
        status.note(heartbeat)
        let routes = AdminRoutes(
            status: status, heartbeat: heartbeat, token: inventory.admin.token, minFree: inventory.storage.minFree,
            scrape: MetricsScrape(metrics: metrics, status: status, pool: BlockingPool(threads: 1), loop: control))
        let router = routes.router
        let counts = HTTPMetrics(listener: "admin", routes: router.routeNames, loops: 1)
        let line = AccessLine(
            listener: "admin", logger: logger, metrics: counts, routes: router.routeNames, quiet: AdminRoutes.probes)
        let listener = HTTPListener(
            name: "admin", address: try await address(inventory.admin.listen, BlockingPool(threads: 1)),
            loops: [control], limits: limits, errorAnswer: AdminReply.toError,
            accessLog: { entry in line.note(entry) }, react: router.reaction)
        metrics.listeners.add(counts, listener)
        return listener
    }

    private func fetchRules(_ parts: DispatchParts) -> FetchRules {
        FetchRules(
            outboundGuard: inventory.fetch.allowPrivateAddresses ? nil : OutboundGuard(),
            maxSize: inventory.fetch.maxSize, timeout: inventory.fetch.timeout, fileLimit: inventory.limits.uploadFile,
            taskLimit: inventory.limits.uploadTask,
            images: ImageLimit(fleet: parts.fleet, configured: inventory.limits.images, owners: parts.owners))
    }

    private var limits: ServerLimits {
        var limits = ServerLimits()
        limits.headBytes = Int(clamping: inventory.limits.header.bytes)
        limits.headTime = inventory.limits.headerTime
        limits.idle = inventory.limits.idle
        limits.unread = inventory.limits.unread
        limits.drain = inventory.drain.timeout
        return limits
    }

    private func address(_ address: ListenAddress, _ pool: BlockingPool) async throws -> SocketAddress {
        let found = try await SocketAddress.resolve(host: address.host, port: address.port, pool: pool)
        guard let first = found.first else { throw StartError("\(address) has no address to listen on.") }
        return first
    }
}
