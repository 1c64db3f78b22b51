import Backends
import Model
import Observability
import Reactor
import Record
import SQL

/// One simulated world: a gateway, its record, backends and clients, in one thread, under virtual time, with trouble from a seed.
///
/// Invariant of `@unchecked Sendable`: everything in it is touched by the thread that calls `run()` only.
final class World: @unchecked Sendable {
    /// How the gateway is configured in this world.
    struct Rules {
        let prefetch: Int
        let deadAfter: Duration?
        let inputRetention: Duration
        let taskRetention: Duration
        /// How long the gateway waits for an answer of a backend.
        let callLimit: Duration
    }

    /// How it went.
    struct Report: Sendable {
        let seed: UInt64
        var violations: [String]
        /// The same for the same seed, where nothing but the seed decides.
        var history: UInt64
        var steps: Int
        var looks: Int
        var virtualSeconds: Int
        var tasks: Int
        var runs: Int
        var trouble: [String: Int]
        var trace: [String]
    }

    let dice: Dice
    let loop: EventLoop
    let logger: Logger
    private(set) var now: Int64 = 1_000_000_000
    private(set) var odds = Odds.calm
    private(set) var rules: Rules
    private(set) var servers: [SimulatedServer] = []
    private(set) var clients: [Client] = []
    private(set) var life: Life?
    private(set) var isCalm = false
    private(set) var isSettled = false
    var isRecordAway = false
    // Set once before anything runs: it takes opening.
    private var opened: SQLiteDatabase?
    private var agenda = Agenda()
    private var report: Report
    private let isTraced: Bool

    private(set) lazy var storage = SimulatedStorage(self)
    private(set) lazy var referee = Referee(self)

    /// Steps without any passing of time after which something turns in circles.
    private static let mostStepsAtOnce = 100_000
    /// So long after the last trouble everything must have come to its end.
    private static let patience = Duration.seconds(4 * 3600)

    init(seed: UInt64, isTraced: Bool = false) throws {
        dice = Dice(seed: seed)
        loop = try EventLoop(name: "world")
        self.isTraced = isTraced
        report = Report(
            seed: seed, violations: [], history: 0xCBF2_9CE4_8422_2325, steps: 0, looks: 0, virtualSeconds: 0, tasks: 0,
            runs: 0, trouble: [:], trace: [])
        rules = Rules(
            prefetch: dice.pick(2), deadAfter: dice.chance(0.5) ? dice.seconds(60, 240) : nil,
            inputRetention: dice.chance(0.3) ? dice.seconds(60, 600) : .seconds(86_400),
            taskRetention: dice.chance(0.2) ? dice.seconds(200, 900) : .seconds(864_000),
            callLimit: dice.seconds(5, 10))
        logger = .silent
    }

    var database: any Database {
        guard let opened else { preconditionFailure("the world has no database before it runs") }
        return opened
    }

    var wallMilliseconds: Int64 { 1_700_000_000_000 + (now - 1_000_000_000) / 1_000_000 }
    /// Whether tasks may be gone because their time is over.
    var forgetsTasks: Bool { rules.taskRetention < .seconds(10_000) }

    // MARK: Time

    /// Plans something; it happens between two steps of the gateway.
    @discardableResult
    func after(_ pause: Duration, _ action: @escaping () -> Void) -> Agenda.Event {
        agenda.plan(at: now + max(0, pause.inNanoseconds), action)
    }

    /// Waits, whatever happens to the caller's task.
    func pause(_ duration: Duration) async {
        let waiter = Waiter<Bool>()
        after(duration) { waiter.resolve(true) }
        _ = await waiter.wait()
    }

    // MARK: What is noted

    func say(_ text: () -> String) {
        guard isTraced else { return }
        report.trace.append("\(Double(now / 1_000_000 - 1000) / 1000) s: \(text())")
        if report.trace.count > 4000 { report.trace.removeFirst(2000) }
    }

    func mix(_ text: String) {
        for byte in text.utf8 { report.history = (report.history ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }

    func blame(_ violation: String) {
        say { "VIOLATION: \(violation)" }
        if report.violations.count < 20 { report.violations.append(violation) }
    }

    func missing(_ client: Client, _ who: String) {
        guard client.isCommitted, !client.isRemoving, !forgetsTasks else { return }
        blame("\(client.id) is lost: \(who) doesn't find it")
    }

    // MARK: Life

    /// Lives through everything.
    func run() -> Report {
        loop.whileSimulated {
            set()
            var stepsAtOnce = 0
            while !isSettled, report.violations.isEmpty {
                if loop.runNext({ count in dice.chance(0.3) ? dice.pick(count) : 0 }) {
                    report.steps += 1
                    stepsAtOnce += 1
                    if stepsAtOnce > Self.mostStepsAtOnce { blame("it turns in circles") }
                    continue
                }
                guard let (event, due) = agenda.next() else {
                    blame("nothing will ever happen any more")
                    break
                }
                if due > now { stepsAtOnce = 0 }
                now = max(now, due)
                withUnsafeBytes(of: now) {
                    for byte in $0 { report.history = (report.history ^ UInt64(byte)) &* 0x100_0000_01B3 }
                }
                event.happen()
            }
            referee.countRuns()
            end()
        }
        report.looks = referee.looks
        report.virtualSeconds = Int(now / 1_000_000_000) - 1
        report.tasks = clients.count
        report.runs = referee.runs.count
        return report
    }

    private func set() {
        for number in 0..<(1 + dice.pick(3)) {
            servers.append(
                SimulatedNode("node\(number)", slots: 1 + dice.pick(2), dumpsAlways: dice.chance(0.5), self))
        }
        if dice.chance(0.4) { servers.append(SimulatedCluster("cluster", slots: 1 + dice.pick(3), self)) }
        for _ in 0..<(2 + dice.pick(6)) { clients.append(Client(TaskID(randomUUID: dice), self)) }
        odds = Odds(dice)
        Task(executorPreference: loop) { [self] in
            do {
                var configuration = SQLiteDatabase.Configuration()
                configuration.isInline = true
                configuration.now = { self.wallMilliseconds }
                opened = try await SQLiteDatabase.open(path: ":memory:", configuration: configuration)
                begin()
            } catch {
                blame("no database: \(error)")
            }
        }
    }

    private func begin() {
        startGateway()
        for client in clients { Task(executorPreference: loop) { await client.live() } }
        trouble(odds.gatewayCrashes, "gateway crashes") { $0.crashGateway() }
        trouble(odds.recordAway, "times without a database") { world in
            world.isRecordAway = true
            world.after(world.dice.seconds(0.1, 90)) { world.isRecordAway = false }
        }
        trouble(odds.moves, "moves") { world in
            let client = world.clients[world.dice.pick(world.clients.count)]
            let target = world.servers[world.dice.pick(world.servers.count)]
            world.life?.move(client.id, to: world.dice.chance(0.5) ? target.name : nil)
        }
        for server in servers {
            if server.kind == .nodeodm { trouble(odds.nodeCrashes, "backend crashes") { $0.crash(server) } }
            trouble(odds.freezes, "freezes") { world in
                server.freeze()
                world.after(world.dice.seconds(1, 300)) { server.thaw() }
            }
            trouble(odds.cuts, "cut lines") { world in
                server.isCut = true
                world.after(world.dice.seconds(1, 300)) { server.isCut = false }
            }
            trouble(odds.drains, "drains") { world in
                world.life?.drain(server.name, true)
                world.after(world.dice.seconds(1, 120)) { world.life?.drain(server.name, false) }
            }
        }
        after(dice.seconds(60, 400)) { [self] in calm() }
    }

    /// Plans the next of one kind of trouble, at random moments.
    private func trouble(_ aMinute: Double, _ name: String, _ happen: @escaping (World) -> Void) {
        guard aMinute > 0 else { return }
        after(dice.seconds(0, 120 / aMinute)) { [self] in
            guard !isCalm else { return }
            report.trouble[name, default: 0] += 1
            say { "TROUBLE: \(name)" }
            happen(self)
            trouble(aMinute, name, happen)
        }
    }

    private func startGateway() {
        let life = Life(self)
        self.life = life
        life.start()
        say { "the gateway starts" }
    }

    private func crashGateway() {
        guard let life else { return }
        life.crash()
        self.life = nil
        after(dice.seconds(0.1, 30)) { [self] in startGateway() }
    }

    private func crash(_ server: SimulatedServer) {
        guard !server.isDown else { return }
        say { "\(server.name) crashes" }
        server.crash()
        after(dice.seconds(0.5, 200)) { [self] in
            // The end of all trouble may have come first.
            guard server.isDown else { return }
            say { "\(server.name) starts again" }
            server.start()
        }
    }

    /// No more trouble: from now on everything has to come to its end.
    private func calm() {
        say { "CALM" }
        isCalm = true
        odds = .calm
        isRecordAway = false
        for server in servers {
            server.isCut = false
            server.thaw()
            if server.isDown { server.start() }
            life?.drain(server.name, false)
        }
        watch(until: now + Self.patience.inNanoseconds)
    }

    private func watch(until end: Int64) {
        after(.seconds(15)) { [self] in
            Task(executorPreference: loop) { [self] in
                let open = (try? await referee.unsettled()) ?? ["the record can't be read"]
                if open.isEmpty { return isSettled = true }
                if now > end { return blame("it never comes to its end: \(open.joined(separator: "; "))") }
                watch(until: end)
            }
        }
    }

    /// Lets every task come to its end, so that nothing of this world stays.
    private func end() {
        life?.crash()
        isSettled = true
        var rest = 200_000
        while rest > 0 {
            if loop.runNext({ _ in 0 }) {
                rest -= 1
            } else if let (event, due) = agenda.next(), clients.contains(where: { !$0.isDone }),
                due < now + 3_600_000_000_000
            {
                now = max(now, due)
                event.happen()
            } else {
                break
            }
        }
    }
}
