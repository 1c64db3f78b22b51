internal import Backends
public import Configuration
internal import Digests
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

    private let inventory: Inventory
    private let loops: [EventLoop]
    private let control: EventLoop
    private let logger: Logger

    /// - Parameters:
    ///   - inventory: what the operator wrote.
    ///   - loops: serve the clients.
    ///   - control: runs the control plane, so that it doesn't disturb them.
    ///   - logger: for everything.
    public init(_ inventory: Inventory, loops: [EventLoop], control: EventLoop, logger: Logger) {
        self.inventory = inventory
        self.loops = loops
        self.control = control
        self.logger = logger
    }

    /// Runs until cancelled, then drains.
    /// - Parameter onReady: told of the addresses of the API and of the admin listener, once both accept.
    /// - Throws: why it couldn't start, or which part failed.
    public func run(onReady: @Sendable (_ api: String, _ admin: String) -> Void) async throws {
        let pool = BlockingPool(threads: 8)
        let database = try await openDatabase(pool)
        let record = try await RoutingRecord(opening: database, random: SystemRandomBits())
        let storage = DirectoryStore(
            folder: inventory.storage.directory, pool: pool, sync: inventory.storage.sync,
            minFree: inventory.storage.minFree)
        try await prepare(storage, record)
        let client = CurlClient(loop: control)
        let fleet = try await makeFleet(record, client, storage)
        let parts = try await makeParts(record, fleet)
        let dispatcher = Dispatcher(
            parts, prefetch: inventory.scheduling.prefetch, spillAfter: inventory.scheduling.spillAfter, loop: control)
        let api = try await apiListener(parts, record, storage, dispatcher, pool)
        let admin = try await adminListener(parts, record)
        let services: [any Service] = [
            Monitor(
                fleet: fleet, memory: record.backends, placement: parts.placement, clock: parts.clock,
                refresh: inventory.scheduling.refresh, logger: logger),
            MirrorRefresher(parts: parts, policy: ReadingPolicy(refresh: inventory.mirror.refresh), loop: control),
            Cleaner(parts: parts, cleanups: record.cleanups, storage: storage),
            Janitor(
                parts: parts, storage: storage, staleUpload: inventory.limits.staleUpload,
                inputRetention: inventory.limits.inputRetention, taskRetention: inventory.limits.taskRetention),
            WebhookSender(
                parts: parts, outbox: record.webhooks, client: client,
                outboundGuard: inventory.webhooks.allowPrivateAddresses ? nil : OutboundGuard()),
            dispatcher, admin, api,
        ]
        onReady("\(try await api.bind())", "\(try await admin.bind())")
        try await ServiceGroup(services, on: control).run()
        await client.close()
        await database.close()
        logger.sink.flush()
    }

    // MARK: What everything stands on

    private func openDatabase(_ pool: BlockingPool) async throws -> any Database {
        switch inventory.database {
        case .sqlite(let path):
            try await pool.run { try Folders.create(above: path) }
            return try await SQLiteDatabase.open(path: path, configuration: SQLiteDatabase.Configuration())
        case .postgresql(let url):
            return try PostgresDatabase(url: url.reveal(), loops: loops + [control], connectionsPerLoop: 4)
        }
    }

    /// A storage folder carries an id that the record knows: files of another installation are never taken for ours.
    private func prepare(_ storage: DirectoryStore, _ record: RoutingRecord) async throws {
        try await storage.prepare()
        let known = try await record.installation.storageID()
        if let known, try await storage.identity() != known {
            throw StartError(
                "The storage folder \(inventory.storage.directory) isn't the one that the record was made with.")
        }
        let id = try await storage.establishIdentity(record.installationID)
        if known == nil { try await record.installation.setStorageID(id) }
    }

    private func makeFleet(
        _ record: RoutingRecord, _ client: CurlClient, _ storage: any ObjectStore
    ) async throws -> Fleet {
        var remembered: [BackendName: RememberedBackend] = [:]
        for backend in try await record.backends.all() { remembered[backend.name] = backend }
        let members = try inventory.backends.map { definition in
            var member = try FleetMember(definition, client: client, storage: storage)
            if let known = remembered[definition.name] { member.recall(known) }
            return member
        }
        return Fleet(members, offlineAfter: inventory.scheduling.offlineAfter)
    }

    private func makeParts(_ record: RoutingRecord, _ fleet: Fleet) async throws -> DispatchParts {
        let clock = SystemClock()
        let mirror = StatusMirror()
        let lookup = TaskLookup(mirror: mirror, store: record.tasks, fleet: fleet, clock: clock)
        for row in try await record.tasks.unfinished() where row.intent != .remove {
            mirror.put(lookup.snapshot(of: row))
        }
        return DispatchParts(
            store: record.tasks, mirror: mirror, lookup: lookup, fleet: fleet, durable: Durable(clock: clock),
            clock: clock,
            random: SystemRandomBits(), logger: logger, placement: WakeUp(), cleaning: WakeUp(),
            webhookWake: WakeUp(), attemptLimit: inventory.scheduling.attempts,
            impossibleAfter: inventory.scheduling.impossibleAfter,
            webhooks: WebhookPolicy(nodeWideURL: inventory.webhooks.url?.description),
            owners: Dictionary(inventory.auth.tokens.map { ($0.name, OwnerPolicy($0)) }, uniquingKeysWith: { $1 }))
    }

    // MARK: Listeners

    private func apiListener(
        _ parts: DispatchParts, _ record: RoutingRecord, _ storage: any ObjectStore, _ dispatcher: Dispatcher,
        _ pool: BlockingPool
    ) async throws -> HTTPListener {
        let routes = routes(parts, record, storage, dispatcher, pool)
        let logger = logger
        return HTTPListener(
            name: "api", address: try await address(inventory.listen, pool), loops: loops, limits: limits,
            errorAnswer: { error, request in
                routes.answer(to: error, request) ?? (HTTPResponse(.serviceUnavailable), [])
            },
            accessLog: { entry in AccessLine.write(entry, to: logger) }, handler: routes.router.handler)
    }

    private func adminListener(_ parts: DispatchParts, _ record: RoutingRecord) async throws -> HTTPListener {
        let routes = AdminRoutes(
            store: record.tasks, events: record.events, fleet: parts.fleet, mirror: parts.mirror,
            token: inventory.admin.token)
        return HTTPListener(
            name: "admin", address: try await address(inventory.admin.listen, BlockingPool(threads: 1)),
            loops: [control],
            limits: limits, handler: routes.router.handler)
    }

    private func routes(
        _ parts: DispatchParts, _ record: RoutingRecord, _ storage: any ObjectStore, _ dispatcher: Dispatcher,
        _ pool: BlockingPool
    ) -> NodeODMRoutes {
        let entries = inventory.auth.tokens.compactMap { token in
            SHA256Digest(bytes: token.sha256).map { TokenGuard.Entry(name: token.name, digest: $0) }
        }
        let tokens = TokenGuard(entries, isRequired: inventory.auth.required)
        let intake = TaskIntake(fleet: parts.fleet, clock: parts.clock, random: parts.random)
        let receiver = UploadReceiver(
            storage: storage, store: record.tasks, clock: parts.clock, fileLimit: inventory.limits.uploadFile)
        let commit = CommitHandler(
            lookup: parts.lookup, store: record.tasks, storage: storage, clock: parts.clock, placement: parts.placement,
            maxImages: inventory.limits.images)
        let control = control
        let wishes: @Sendable (TaskID) -> Void = { id in
            // The dispatcher is on another loop, and the answer doesn't wait for it.
            Task(executorPreference: control) { await dispatcher.stop(id) }
            parts.cleaning.wake()
            parts.placement.wake()
        }
        return NodeODMRoutes(
            tokens: tokens, origin: CrossOrigin(origins: inventory.cors.origins),
            unauthorizedIs200: inventory.auth.unauthorized == .nodeodm,
            info: InfoHandler(
                fleet: parts.fleet, mirror: parts.mirror, gatewayVersion: Self.version,
                maxImages: inventory.limits.images,
                hasTokens: tokens.isOn),
            newTask: NewTaskHandler(
                intake: intake, receiver: receiver, commit: commit, store: record.tasks, clock: parts.clock),
            upload: UploadHandler(receiver: receiver, store: record.tasks, clock: parts.clock), commit: commit,
            list: TaskListHandler(store: record.tasks), taskInfo: TaskInfoHandler(lookup: parts.lookup),
            output: OutputHandler(lookup: parts.lookup),
            download: DownloadHandler(
                lookup: parts.lookup, upstreams: UpstreamDirectory(loops: loops, blockingPool: pool),
                logger: logger),
            action: TaskActionHandler(
                lookup: parts.lookup, intake: intake, store: record.tasks, clock: parts.clock, wishes: wishes),
            auth: AuthHandler())
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
