internal import Configuration
internal import Model
internal import Observability
internal import Reactor
internal import Record

/// Which backends there are: those that the file lists, those that were added while a gateway ran, and retired ones, which are
/// neither and still have tasks or results.
///
/// The definition of each is kept in the record, so that what a backend has is served after it has left the file. All that
/// changes the membership of the fleet goes through here, one change at a time.
actor Roster: Service {
    nonisolated let name = "roster"
    private let loop: EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    /// Makes a member out of a definition.
    typealias Make = @Sendable (BackendDefinition) throws -> FleetMember

    /// One that is a member.
    struct Entry {
        /// With its text for the record, by whether secrets that stand in it are shown: made once, since a fleet may be large.
        var definition: BackendDefinition {
            didSet { texts = Self.texts(of: definition) }
        }
        private(set) var texts: (plain: String, masked: String)
        var member: FleetMember
        /// Whether the record has it with such secrets, as far as is known.
        var isKeptPlain = false
        /// When it was retired; nil before.
        var retiredAt: MonotonicTime?
        /// When a task was last about to be placed there.
        var placedAt: MonotonicTime?

        init(definition: BackendDefinition, member: FleetMember) {
            self.definition = definition
            self.member = member
            texts = Self.texts(of: definition)
        }

        private static func texts(of definition: BackendDefinition) -> (plain: String, masked: String) {
            (definition.printed(secrets: .referencesAndLiterals), definition.printed(secrets: .references))
        }

        /// What the record is to have. The record is the only place where an added one is defined.
        func kept(plain: Bool) -> BackendEntry {
            let isAdded = member.source == .added
            return BackendEntry(
                name: definition.name, definition: plain || isAdded ? texts.plain : texts.masked, isAdded: isAdded,
                isRetired: member.source == .retired)
        }
    }

    nonisolated let fleet: Fleet
    let memory: BackendMemory
    let clock: any WorldClock
    let logger: Logger
    let make: Make
    /// Whether no other gateway works on this record.
    let isAlone: Bool
    /// What the file lists.
    var listed: [BackendDefinition] = []
    var entries: [BackendName: Entry] = [:]
    /// What was told of once, so that it isn't again.
    var reported: Set<BackendName> = []
    private var incarnations = 0
    private let wake = WakeUp()
    private let turns = Turns()

    /// How often it is looked whether a retired backend has anything left.
    static let interval = Duration.seconds(5)
    /// Time for whoever makes several changes to make them all.
    private static let patience = Duration.milliseconds(50)

    init(
        fleet: Fleet, memory: BackendMemory, isAlone: Bool, clock: any WorldClock, logger: Logger, loop: EventLoop,
        make: @escaping Make
    ) {
        self.isAlone = isAlone
        self.fleet = fleet
        self.memory = memory
        self.clock = clock
        self.logger = logger
        self.loop = loop
        self.make = make
    }

    /// Follows what this program and others change in the record, until it is cancelled.
    func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask { [memory, wake] in
                for await _ in memory.changes() { wake.wake() }
            }
            group.addTask { try await self.tendRegularly() }
            for await _ in wake.wakeUps() {
                try await clock.sleep(for: Self.patience)
                await reread()
            }
            try Task.checkCancellation()
        }
    }

    // MARK: The file

    /// Takes over what the file lists: at the start, and whenever it has changed.
    /// - Returns: what that changed.
    /// - Throws: `StartError` where it can't be so; nothing was changed then. `RecordError`.
    @discardableResult
    func list(_ definitions: [BackendDefinition]) async throws -> RosterChange {
        try await inTurn {
            let isStart = entries.isEmpty
            let known = try await Known(memory, withAnswers: isStart)
            try refuseMoves(definitions, known)
            let target = target(definitions, known, isStart: isStart)
            let change = try await settle(target, known, isOurs: true)
            listed = definitions
            return change
        }
    }

    /// Takes over what others changed in the record.
    private func reread() async {
        await inTurn {
            do {
                let known = try await Known(memory, withAnswers: false)
                let change = try await settle(target(listed, known, isStart: false), known, isOurs: false)
                if change != RosterChange() { logger.info("backends changed elsewhere", change.logged) }
            } catch {
                logger.warning("the record's backends can't be read", ["error": .string("\(error)")])
            }
        }
    }

    // MARK: What is left

    private func tendRegularly() async throws {
        while true {
            try await clock.sleep(for: Self.interval)
            guard entries.values.contains(where: { $0.retiredAt != nil || $0.definition.hasLiteralSecret }) else {
                continue
            }
            await tend()
        }
    }

    /// Forgets retired backends that have nothing any more, and secrets that stand in a definition without need.
    func tend() async {
        await inTurn {
            do {
                let known = try await Known(memory, withAnswers: false)
                _ = try await settle(target(listed, known, isStart: false), known, isOurs: false)
            } catch {
                logger.warning("the record's backends can't be read", ["error": .string("\(error)")])
            }
        }
    }

    /// A task is about to be placed: a secret that stands in the definition itself is kept from now on, so that the task is served
    /// also after the backend has left the file.
    func willPlace(on name: BackendName) async throws(RecordError) {
        guard let entry = entries[name], entry.definition.hasLiteralSecret else { return }
        entries[name]?.placedAt = clock.monotonic()
        guard !entry.isKeptPlain else { return }
        try await memory.keep([entry.kept(plain: true)])
        entries[name]?.isKeptPlain = true
    }

    // MARK: One at a time

    func inTurn<Result>(_ work: () async throws -> Result) async rethrows -> Result { try await turns.take(work) }

    func nextIncarnation() -> Int {
        incarnations += 1
        return incarnations
    }
}
