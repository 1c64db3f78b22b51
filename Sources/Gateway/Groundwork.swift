internal import Configuration
internal import Glibc
internal import HTTPClient
internal import Model
internal import Observability
internal import Reactor
internal import Record
internal import SQL
internal import Storage

/// What everything stands on: the database, the storage, and the client of other servers.
struct Groundwork: Sendable {
    let pool: BlockingPool
    let clock: SystemClock
    let database: any Database
    let record: RoutingRecord
    let places: StoragePlaces
    let health: StorageHealth
    let watch: StorageWatch
    /// Asks backends, and whoever clients and operators name.
    let client: CurlClient
    /// Asks Argo clusters.
    let clusters: ClusterClients

    /// Opens all of it. A database server or object store that is away isn't an error: the first is waited for, and the other
    /// keeps nobody from polling.
    /// - Parameters:
    ///   - inventory: names it.
    ///   - loops: where the database's connections are, beside the control loop.
    ///   - control: where everything else is.
    ///   - status: told what is waited for.
    ///   - metrics: count what the database is asked, and the moves of tasks.
    ///   - logger: likewise.
    /// - Returns: all of it, open.
    /// - Throws: `StartError`, and what database and storage throw.
    static func open(
        _ inventory: Inventory, loops: [EventLoop], control: EventLoop, _ status: GatewayStatus,
        _ metrics: GatewayMetrics, _ logger: Logger
    ) async throws -> Groundwork {
        let pool = BlockingPool(threads: 8)
        let clock = SystemClock()
        let opened = try crashing(try await openDatabase(inventory.database, loops: loops + [control], pool), logger)
        let database = MeasuredDatabase(database: opened, metrics: metrics.database)
        let record = try await openRecord(database, status, on: control, metrics, logger)
        let places = try StoragePlaces(inventory.storage, loop: control, pool: pool, clock: clock, logger: logger)
        let health = StorageHealth()
        let watch = try await watch(places, record, health, clock, logger)
        return Groundwork(
            pool: pool, clock: clock, database: database, record: record, places: places, health: health, watch: watch,
            client: CurlClient(loop: control), clusters: ClusterClients(loop: control))
    }

    /// Ends all of it.
    func close() async {
        await clusters.close()
        await client.close()
        await places.close()
        await database.close()
    }

    // MARK: The database

    static func openDatabase(
        _ url: DatabaseURL, loops: [EventLoop], _ pool: BlockingPool
    ) async throws -> any Database {
        switch url {
        case .sqlite(let path):
            try await pool.run { try Folders.create(above: path) }
            return try await SQLiteDatabase.open(path: path, configuration: SQLiteDatabase.Configuration())
        case .postgresql(let url):
            return try PostgresDatabase(url: url.reveal(), loops: loops, connectionsPerLoop: 4)
        }
    }

    /// For tests: with `SCALEODM_CRASH_AT` in the environment the program kills itself at that transition.
    private static func crashing(_ database: any Database, _ logger: Logger) throws -> any Database {
        guard let value = getenv("SCALEODM_CRASH_AT"), value.pointee != 0 else { return database }
        let text = String(cString: value)
        guard let point = CrashPoint(text) else {
            throw StartError("SCALEODM_CRASH_AT is '\(text)', not STATEMENT[:before|after][:N].")
        }
        logger.warning("this gateway is going to kill itself", ["at": .string(text)])
        return point.within(database)
    }

    /// A server that is away at the start is waited for; one that refuses us isn't.
    private static func openRecord(
        _ database: any Database, _ status: GatewayStatus, on loop: EventLoop, _ metrics: GatewayMetrics,
        _ logger: Logger
    ) async throws -> RoutingRecord {
        while true {
            status.wait(for: "the database has not answered")
            do throws(RecordError) {
                return try await RoutingRecord(
                    opening: database, random: SystemRandomBits(), observer: { metrics.note($0) })
            } catch {
                if error.code == .cancelled { throw CancellationError() }
                guard error.code == .away, database.dialect == .postgresql else { throw error }
                logger.warning("the start waits for the database", ["error": .string(error.message)])
            }
            try await loop.sleep(for: .seconds(1))
        }
    }

    // MARK: The storage

    /// Asks whose the storage is. An object store that can't be asked now is asked again by the watch, and until then refuses
    /// what needs it: polls go on.
    private static func watch(
        _ places: StoragePlaces, _ record: RoutingRecord, _ health: StorageHealth, _ clock: SystemClock,
        _ logger: Logger
    ) async throws -> StorageWatch {
        let claim = StorageClaim(storage: places.files, record: record, name: places.name)
        await places.prepareFolder(logger)
        var identity: String?
        do {
            identity = try await claim.establish()
        } catch let error as StorageError where places.bucket != nil && error.code.isTransient {
            try Task.checkCancellation()
            logger.error("object storage can't be used yet", ["error": .string(error.message)])
            _ = health.note("The gateway's storage can't be used: \(error.message)")
        }
        return StorageWatch(
            storage: places.files, identity: identity, claim: { try await claim.establish() },
            isRemote: places.bucket != nil, health: health, clock: clock, logger: logger)
    }
}
