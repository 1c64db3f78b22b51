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
    private let status = GatewayStatus()

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

    /// Everything but the admin listener, as one service.
    private struct Part: Service {
        let name: String
        let body: @Sendable () async throws -> Void
        func run() async throws { try await body() }
    }

    private func serve(_ announce: Announce) async throws {
        let pool = BlockingPool(threads: 8)
        let database = try await openDatabase(pool)
        let record = try await openRecord(database)
        let storage = DirectoryStore(
            folder: inventory.storage.directory, pool: pool, sync: inventory.storage.sync,
            minFree: inventory.storage.minFree)
        let identity = try await prepare(storage, record)
        let storageHealth = StorageHealth()
        let client = CurlClient(loop: control)
        let fleet = try await makeFleet(record, client, storage)
        let parts = try await makeParts(record, fleet)
        let dispatcher = Dispatcher(
            parts, prefetch: inventory.scheduling.prefetch, spillAfter: inventory.scheduling.spillAfter, loop: control)
        let fetching = WakeUp()
        let fetcher = Fetcher(
            parts, client: client, spool: storage, storage: storage, health: storageHealth, rules: fetchRules(fleet),
            wake: fetching, loop: control)
        let upstreams = UpstreamDirectory(loops: loops, blockingPool: pool)
        let api = try await apiListener(
            parts, record, storage, storageHealth, dispatcher, fetching, upstreams, pool)
        let health = HealthWatch(ping: DatabasePing(database), storage: storage, clock: parts.clock)
        let services: [any Service] = [
            Monitor(
                fleet: fleet, memory: record.backends, placement: parts.placement, clock: parts.clock,
                refresh: inventory.scheduling.refresh, logger: logger),
            RecordFollower(parts: parts),
            MirrorRefresher(parts: parts, policy: ReadingPolicy(refresh: inventory.mirror.refresh), loop: control),
            Cleaner(parts: parts, cleanups: record.cleanups, storage: storage),
            Janitor(
                parts: parts, storage: storage, folder: storage, health: storageHealth,
                isAlone: record.database.dialect == .sqlite, staleUpload: inventory.limits.staleUpload,
                inputRetention: inventory.limits.inputRetention, taskRetention: inventory.limits.taskRetention),
            StorageWatch(
                folder: storage, identity: identity, health: storageHealth, clock: parts.clock, logger: logger),
            WebhookSender(
                parts: parts, outbox: record.webhooks, client: client,
                outboundGuard: inventory.webhooks.allowPrivateAddresses ? nil : OutboundGuard()),
            fetcher, health, dispatcher, api,
        ]
        announce(.api, "\(try await api.bind())")
        status.serve(
            .init(
                store: record.tasks, events: record.events, fleet: fleet, mirror: parts.mirror, health: health))
        let ended: Result<Void, any Error>
        do { ended = .success(try await ServiceGroup(services, on: control).run()) } catch { ended = .failure(error) }
        await upstreams.close()
        await client.close()
        await database.close()
        try ended.get()
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

    /// A server that is away at the start is waited for; one that refuses us isn't.
    private func openRecord(_ database: any Database) async throws -> RoutingRecord {
        while true {
            status.wait(for: "the database has not answered")
            do throws(RecordError) {
                return try await RoutingRecord(opening: database, random: SystemRandomBits())
            } catch {
                if error.code == .cancelled { throw CancellationError() }
                guard error.code == .away, database.dialect == .postgresql else { throw error }
                logger.warning("the start waits for the database", ["error": .string(error.message)])
            }
            try await control.sleep(for: .seconds(1))
        }
    }

    /// A storage folder carries an id that the record knows: files of another installation are never taken for ours.
    /// A folder that lacks it is taken only while the record knows no files.
    /// - Returns: the id.
    private func prepare(_ storage: DirectoryStore, _ record: RoutingRecord) async throws -> String {
        try await storage.prepare()
        let known = try await record.installation.storageID()
        let found = try await storage.identity()
        let isNew = found == nil ? try await !record.tasks.hasFiles() : false
        if let known, found != known, !isNew {
            throw StartError(
                "The storage folder \(inventory.storage.directory) isn't the one that the record was made with.")
        }
        let id = try await storage.establishIdentity(known ?? record.installationID)
        if known == nil { try await record.installation.setStorageID(id) }
        return id
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
        let database = record.database
        let mirror = StatusMirror(mayForget: { database.isUp })
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
        _ parts: DispatchParts, _ record: RoutingRecord, _ storage: any ObjectStore, _ health: StorageHealth,
        _ dispatcher: Dispatcher, _ fetching: WakeUp, _ upstreams: UpstreamDirectory, _ pool: BlockingPool
    ) async throws -> HTTPListener {
        let routes = routes(parts, record, storage, health, dispatcher, fetching, upstreams)
        let line = AccessLine(listener: "api", logger: logger)
        return HTTPListener(
            name: "api", address: try await address(inventory.listen, pool), loops: loops, limits: limits,
            errorAnswer: { error, request in
                routes.answer(to: error, request) ?? (HTTPResponse(.serviceUnavailable), [])
            },
            accessLog: { entry in line.write(entry) }, handler: routes.router.handler)
    }

    private func adminListener(_ heartbeat: LoopHeartbeat) async throws -> HTTPListener {
        let routes = AdminRoutes(
            status: status, heartbeat: heartbeat, token: inventory.admin.token, minFree: inventory.storage.minFree)
        let line = AccessLine(listener: "admin", logger: logger, quietRoutes: ["healthz", "readyz"])
        return HTTPListener(
            name: "admin", address: try await address(inventory.admin.listen, BlockingPool(threads: 1)),
            loops: [control], limits: limits, accessLog: { entry in line.write(entry) },
            handler: routes.router.handler)
    }

    private func routes(
        _ parts: DispatchParts, _ record: RoutingRecord, _ storage: any ObjectStore, _ health: StorageHealth,
        _ dispatcher: Dispatcher, _ fetching: WakeUp, _ upstreams: UpstreamDirectory
    ) -> NodeODMRoutes {
        let entries = inventory.auth.tokens.compactMap { token in
            SHA256Digest(bytes: token.sha256).map { TokenGuard.Entry(name: token.name, digest: $0) }
        }
        let tokens = TokenGuard(entries, isRequired: inventory.auth.required)
        let intake = TaskIntake(fleet: parts.fleet, clock: parts.clock, random: parts.random)
        let tally = UploadTally(limit: inventory.limits.uploadTask)
        let receiver = UploadReceiver(
            storage: storage, store: record.tasks, clock: parts.clock, health: health,
            fileLimit: inventory.limits.uploadFile, tally: tally)
        let commit = CommitHandler(
            lookup: parts.lookup, store: record.tasks, storage: storage, health: health, clock: parts.clock,
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
                intake: intake, receiver: receiver, commit: commit, store: record.tasks, clock: parts.clock),
            upload: UploadHandler(receiver: receiver, store: record.tasks, clock: parts.clock), commit: commit,
            list: TaskListHandler(store: record.tasks), taskInfo: TaskInfoHandler(lookup: parts.lookup),
            output: OutputHandler(lookup: parts.lookup),
            download: DownloadHandler(
                lookup: parts.lookup, upstreams: upstreams, logger: logger),
            action: TaskActionHandler(
                lookup: parts.lookup, intake: intake, store: record.tasks, clock: parts.clock, wishes: wishes),
            auth: AuthHandler())
    }

    private func fetchRules(_ fleet: Fleet) -> FetchRules {
        FetchRules(
            outboundGuard: inventory.fetch.allowPrivateAddresses ? nil : OutboundGuard(),
            maxSize: inventory.fetch.maxSize, timeout: inventory.fetch.timeout, fileLimit: inventory.limits.uploadFile,
            taskLimit: inventory.limits.uploadTask,
            images: ImageLimit(fleet: fleet, configured: inventory.limits.images))
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
