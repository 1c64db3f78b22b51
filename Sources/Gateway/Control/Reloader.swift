internal import Configuration
internal import Model
internal import Observability
internal import Reactor
internal import Record
import Synchronization

/// Takes over what the inventory says now: on a signal, when the file changes, and when an operator asks for it.
///
/// A file with mistakes changes nothing. Backends and tokens change while the gateway runs; of all else it is said that it takes a
/// restart.
actor Reloader: Service {
    nonisolated let name = "reloader"
    private let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    /// What one reload came to.
    struct Outcome: Sendable, Equatable {
        /// What became of the backends.
        var backends = RosterChange()
        /// Keys that differ from what the gateway runs on, and that only a restart takes over.
        var needRestart: [String] = []
        /// What works and shouldn't stay so.
        var warnings: [String] = []
        /// Why nothing was changed; empty where the file was taken over.
        var errors: [String] = []
    }

    /// Who wants it.
    enum Cause: String, Sendable {
        case signal
        case file
        case operators = "admin API"
    }

    private let source: InventorySource
    private let roster: Roster
    private let tokens: TokenGuard
    private let owners: OwnerPolicies
    private let pool: BlockingPool
    private let clock: any WorldClock
    private let logger: Logger
    /// What the gateway runs on.
    private var running: Inventory
    /// What the file said last, so that an event without a change goes unnoticed.
    private var last: Inventory
    private let wake = WakeUp()
    private let turns = Turns()
    /// Whether a good file couldn't be taken over, because the database was away.
    private var isBehind = false
    private let metrics: GatewayMetrics
    private let success: Mutex<(isGood: Bool, at: Timestamp)>

    /// From an event to the reading: whoever changes a file may do so in several steps.
    private static let patience = Duration.milliseconds(250)
    /// While the database, which knows what backends hold, is away.
    private static let longPatience = Duration.seconds(5)

    /// - Parameters:
    ///   - source: reads the file.
    ///   - running: what the gateway was started with.
    ///   - roster: takes over the backends.
    ///   - tokens: takes over the tokens.
    ///   - owners: takes over what their owners may.
    ///   - pool: where the file is read.
    ///   - clock: dates reloads.
    ///   - logger: told what changed.
    ///   - loop: where this runs.
    ///   - metrics: told how each reload ended.
    init(
        _ source: InventorySource, running: Inventory, roster: Roster, tokens: TokenGuard,
        owners: OwnerPolicies = OwnerPolicies(), pool: BlockingPool, clock: any WorldClock, logger: Logger,
        loop: EventLoop, metrics: GatewayMetrics = GatewayMetrics()
    ) {
        self.source = source
        self.running = running
        last = running
        self.roster = roster
        self.tokens = tokens
        self.owners = owners
        self.pool = pool
        self.clock = clock
        self.logger = logger
        self.loop = loop
        self.metrics = metrics
        success = Mutex((true, clock.timestamp))
    }

    /// Whether the last reload was good, and when the last good one was; the start counts as one.
    nonisolated var lastSuccess: (isGood: Bool, at: Timestamp) { success.withLock { $0 } }

    /// Watches the file until it is cancelled.
    func run() async throws {
        let watch: FolderWatch
        do throws(ReactorError) { watch = try FolderWatch(folder, on: loop) } catch {
            logger.warning(
                "the inventory's folder can't be watched; SIGHUP reloads it",
                ["folder": .string(folder), "error": .string("\(error)")])
            return try await clock.untilCancelled()
        }
        defer { watch.close() }
        let (names, file) = (watch.names, fileName)
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { [wake, clock] in
                for await _ in wake.wakeUps() {
                    try await clock.sleep(for: await self.isBehind ? Self.longPatience : Self.patience)
                    _ = await self.reload(because: .file)
                }
            }
            for await name in names where Self.concerns(name, file) { wake.wake() }
            try Task.checkCancellation()
        }
    }

    private var slash: String.Index? { source.path.lastIndex(of: "/") }
    private var fileName: String { slash.map { String(source.path[source.path.index(after: $0)...]) } ?? source.path }
    private var folder: String {
        guard let slash else { return "." }
        return slash == source.path.startIndex ? "/" : String(source.path[..<slash])
    }

    /// Kubernetes swaps the link `..data`, through which the file is reached. No name: something was missed.
    static func concerns(_ name: String, _ file: String) -> Bool {
        name == file || name == "..data" || name.isEmpty
    }

    // MARK: One reload

    /// Reads the file and takes it over.
    func reload(because cause: Cause) async -> Outcome {
        await turns.take { await perform(cause) }
    }

    private func perform(_ cause: Cause) async -> Outcome {
        let loaded: LoadedInventory
        do { loaded = try await pool.run { [source] in try source.load() } } catch {
            let problems = (error as? InventoryError)?.problems.map(\.description) ?? ["\(error)"]
            return refused(problems, cause)
        }
        // Every gateway sees its file's events, also those that change nothing.
        if cause == .file, loaded.inventory == last, lastSuccess.isGood { return Outcome() }
        var outcome = Outcome()
        do {
            isBehind = false
            outcome.backends = try await roster.list(loaded.inventory.backends)
        } catch {
            if let error = error as? RecordError, error.code == .away {
                isBehind = true
                wake.wake()
            }
            return refused(["\(error)"], cause)
        }
        tokens.replace(loaded.inventory.auth)
        owners.replace(loaded.inventory.auth)
        last = loaded.inventory
        running.backends = loaded.inventory.backends
        running.auth.tokens = loaded.inventory.auth.tokens
        running.auth.required = loaded.inventory.auth.required
        outcome.needRestart = running.keys(differingFrom: loaded.inventory)
        outcome.warnings = loaded.warnings.map(\.description)
        let moment = clock.timestamp
        success.withLock { $0 = (true, moment) }
        metrics.noteReload(isSuccessful: true, at: moment)
        tell(outcome, cause)
        return outcome
    }

    private func refused(_ problems: [String], _ cause: Cause) -> Outcome {
        let moment = success.withLock { success in
            success.isGood = false
            return success.at
        }
        metrics.noteReload(isSuccessful: false, at: moment)
        for problem in problems {
            logger.error("the inventory is refused, and the one before stays", ["problem": .string(problem)])
        }
        return Outcome(errors: problems)
    }

    private func tell(_ outcome: Outcome, _ cause: Cause) {
        for warning in outcome.warnings { logger.warning("inventory", ["warning": .string(warning)]) }
        var metadata = outcome.backends.logged
        metadata["cause"] = .string(cause.rawValue)
        logger.info("inventory reloaded", metadata)
        guard !outcome.needRestart.isEmpty else { return }
        logger.warning(
            "changes that take a restart", ["keys": .string(outcome.needRestart.joined(separator: ", "))])
    }
}
