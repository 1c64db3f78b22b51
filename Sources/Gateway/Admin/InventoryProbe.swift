internal import Backends
public import Configuration
import Glibc
internal import HTTPClient
internal import Model
internal import Observability
public import Reactor
internal import Record
internal import SQL
internal import Storage

/// What one probe found.
public struct ProbeResult: Sendable {
    /// What was looked at, such as `backend alpha`.
    public var subject: String
    /// Whether it works.
    public var isGood: Bool
    /// What was seen, or what is wrong, for people.
    public var detail: String
}

/// Asks everything that an inventory names whether it works, all at once, each for a bounded time.
///
/// It makes nothing that stays: no database, no storage folder. A gateway may run on the same inventory meanwhile.
public struct InventoryProbe: Sendable {
    let inventory: Inventory
    let pool: BlockingPool
    private let loop: EventLoop
    private static let limit = Duration.seconds(10)

    /// - Parameters:
    ///   - inventory: what the operator wrote.
    ///   - loop: where the calls are made.
    ///   - pool: looks at files.
    public init(_ inventory: Inventory, loop: EventLoop, pool: BlockingPool) {
        self.inventory = inventory
        self.loop = loop
        self.pool = pool
    }

    /// Probes the database, the storage and every backend.
    /// - Returns: a result each, in this order.
    public func run() async -> [ProbeResult] {
        let client = CurlClient(loop: loop)
        let clusters = ClusterClients(loop: loop)
        let places: StoragePlaces
        do throws(StorageError) {
            places = try StoragePlaces(
                inventory.storage, loop: loop, pool: pool, clock: SystemClock(), attempts: 2,
                logger: .silent)
        } catch {
            return [Self.bad("storage", error.message)]
        }
        var probes: [(subject: String, work: @Sendable () async -> ProbeResult)] = [
            ("database", { await database() }), ("storage", { await storage(places) }),
        ]
        let builder = BackendBuilder(
            client: client, clusters: clusters, storage: places.files, s3: inventory.storage.s3, gateway: "probe",
            clock: SystemClock(), logger: .silent)
        for definition in inventory.backends {
            probes.append(("backend \(definition.name)", { await backend(definition, builder) }))
        }
        let results = await withTaskGroup(of: (Int, ProbeResult).self) { [loop] group in
            for (index, probe) in probes.enumerated() {
                group.addTask {
                    let result = await TimeLimit.run(Self.limit, on: loop, probe.work)
                    return (index, result ?? Self.bad(probe.subject, "no answer within 10 s"))
                }
            }
            var results: [(Int, ProbeResult)] = []
            for await result in group { results.append(result) }
            return results.sorted { $0.0 < $1.0 }.map(\.1)
        }
        await clusters.close()
        await client.close()
        await places.close()
        return results
    }

    static func good(_ subject: String, _ detail: String) -> ProbeResult {
        ProbeResult(subject: subject, isGood: true, detail: detail)
    }

    static func bad(_ subject: String, _ detail: String) -> ProbeResult {
        ProbeResult(subject: subject, isGood: false, detail: detail)
    }

    // MARK: Backends

    private func backend(_ definition: BackendDefinition, _ builder: BackendBuilder) async -> ProbeResult {
        let subject = "backend \(definition.name)"
        let member: FleetMember
        do { member = try builder.member(definition) } catch {
            return Self.bad(subject, "\(error)")
        }
        do throws(BackendError) {
            let load = try await member.backend.load()
            try await member.backend.probe()
            let slots = definition.maxParallelTasks ?? load.slots
            let token = definition.token == nil ? "" : ", token accepted"
            return Self.good(
                subject, "\(load.engine) \(load.engineVersion), \(load.unfinished) of \(slots) slots busy\(token)")
        } catch {
            let advice: String =
                switch error.code {
                case .unauthorized: definition.token == nil ? " (it wants a token)" : " (check its token)"
                case .notSent: " (check its url, and whether it runs)"
                default: ""
                }
            return Self.bad(subject, "\(error.message)\(advice)")
        }
    }

    // MARK: The database

    private func database() async -> ProbeResult {
        switch inventory.database {
        case .sqlite(let path): await sqlite(path)
        case .postgresql(let url): await postgres(url.reveal())
        }
    }

    private func sqlite(_ path: String) async -> ProbeResult {
        let place = "sqlite:\(path)"
        if let absence = try? await pool.run({ Self.absence(of: path) }) {
            return absence.isGood
                ? Self.good("database", "\(place) \(absence.detail)")
                : Self.bad("database", "\(place): \(absence.detail)")
        }
        do {
            let database = try await SQLiteDatabase.open(path: path, configuration: SQLiteDatabase.Configuration())
            defer { Task { await database.close() } }
            try await DatabasePing(database).ask()
            return Self.good("database", "\(place) answers")
        } catch let error as DatabaseError where error.code == .locked {
            return Self.good("database", "\(place) is in use by a running gateway")
        } catch let error as DatabaseError {
            return Self.bad("database", error.message)
        } catch {
            return Self.bad("database", "\(error)")
        }
    }

    /// Nil where the file is there; else whether it can be made.
    static func absence(of path: String) -> (isGood: Bool, detail: String)? {
        if access(path, F_OK) == 0 { return nil }
        let folder = nearestFolder(above: path)
        guard access(folder, W_OK) == 0 else { return (false, "\(folder) can't be written") }
        return (true, "is not there yet; it can be made")
    }

    /// The deepest folder on a path that is there.
    private static func nearestFolder(above path: String) -> String {
        var parts = path.split(separator: "/").map(String.init)
        let root = path.hasPrefix("/") ? "/" : "./"
        while !parts.isEmpty {
            parts.removeLast()
            let folder = root + parts.joined(separator: "/")
            if access(folder, F_OK) == 0 { return folder }
        }
        return root
    }

    private func postgres(_ url: String) async -> ProbeResult {
        do {
            let database = try PostgresDatabase(
                url: url, loops: [loop], connectionsPerLoop: 1, acquireTimeout: .seconds(8))
            defer { Task { await database.close() } }
            try await DatabasePing(database).ask()
            return Self.good("database", "\(inventory.database.masked) answers")
        } catch let error as RecordError {
            return Self.bad("database", "\(inventory.database.masked): \(error.message)")
        } catch let error as DatabaseError {
            return Self.bad("database", "\(inventory.database.masked): \(error.message)")
        } catch {
            return Self.bad("database", "\(inventory.database.masked): \(error)")
        }
    }
}
