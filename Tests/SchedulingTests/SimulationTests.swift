import Model
import Scheduling
import Testing

@Suite("Under virtual time")
struct SimulationTests {
    @Test("40 tasks of 4 s on 1, 2, 4 and 8 slots end in 12 s, and no node is idle while tasks wait")
    func fortyTasks() {
        var desk = Desk((1...40).map { Fixture.task($0) })
        desk.scheduler.policy.prefetch = 1
        var fleet = SimulatedFleet([1, 2, 4, 8].map { Fixture.node("node\($0)", slots: $0) })
        var now: Int64 = 0
        while true {
            let decision = desk.decide(fleet.snapshots(), at: Double(now) / 1000)
            for placement in decision.placements { fleet.start(placement, at: now, for: 4000) }
            for (index, backend) in fleet.backends.enumerated() where !desk.queue.isEmpty {
                #expect(fleet.running.count { $0.backend == index } == backend.slots)
            }
            guard let end = fleet.nextEnd else { break }
            now = end
            _ = fleet.advance(to: now)
        }
        #expect(fleet.finished.count == 40)
        #expect(now <= 14_000 && now >= 12_000)
        #expect(fleet.peaks == [1, 2, 4, 8])
    }

    @Test("whatever comes, no slot is used twice, no task goes where it can't, and all end", arguments: 1...40)
    func properties(seed: Int) {
        var world = RandomWorld(seed: UInt64(seed))
        world.run()
        #expect(world.violations.isEmpty)
        #expect(world.fleet.finished.count == world.submitted)
        #expect(Set(world.fleet.finished.map(\.task.id)).count == world.submitted)
    }

    @Test("a hundred thousand tasks and two hundred backends")
    func scale() {
        var desk = Desk()
        for number in 0..<100_000 {
            let options: Set<String> = number % 3 == 0 ? ["dsm"] : ["dsm", "fast-orthophoto"]
            desk.queue.insert(
                Fixture.task(
                    number, owner: "owner-\(number % 50)", images: number % 1000, at: Double(number), options: options))
        }
        desk.scheduler.policy.prefetch = 1
        let fleet = (0..<200).map { number in
            Fixture.node(
                "node-\(number)", slots: 4, tier: number % 3 == 0 ? 1 : 0,
                maxImages: [nil, 250, 500, 2000][number % 4],
                options: number % 7 == 0 ? EngineOptions(["dsm"]) : Fixture.reference)
        }
        var placed = 0
        for second in 0..<20 {
            let decision = desk.decide(fleet, at: 100_000 + Double(second) * 10)
            placed += decision.placements.count
            let taken = Dictionary(grouping: decision.placements, by: \.backend)
            #expect(taken.values.allSatisfy { $0.count <= 4 })
            // All of them end before the next pass.
        }
        // Tier 0 has a free slot in each pass, so that nothing falls to the 67 nodes of tier 1.
        #expect(placed == 133 * 4 * 20)
        #expect(desk.queue.count == 100_000 - placed)
    }
}

/// Random tasks, backends and accidents from a seed, with everything checked that must always be true.
struct RandomWorld {
    private var random: SeededGenerator
    private var desk = Desk()
    private(set) var fleet: SimulatedFleet
    private(set) var submitted = 0
    private(set) var violations: [String] = []
    private let priorities: [OwnerID: Int]
    private var now: Int64 = 0

    init(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let count = Int.random(in: 1...6, using: &random)
        var backends = (0..<count).map { number in
            Fixture.node(
                "node-\(number)", slots: Int.random(in: 1...4, using: &random),
                tier: Int.random(in: 0...2, using: &random),
                weight: [0.5, 1, 2][Int.random(in: 0...2, using: &random)],
                maxImages: [nil, 100, 300][Int.random(in: 0...2, using: &random)])
        }
        // One that can take everything, so that all tasks end.
        backends.append(Fixture.node("any", slots: 2, tier: Int.random(in: 0...2, using: &random)))
        fleet = SimulatedFleet(backends)
        priorities = [OwnerID("a"): 0, OwnerID("b"): 0, OwnerID("c"): 1]
        self.random = random
        desk.scheduler.policy.prefetch = Int.random(in: 0...2, using: &self.random)
    }

    /// Submits for a while, then lets all end.
    mutating func run() {
        for step in 0..<400 {
            if step < 120 { submit() }
            if step < 300 { accidents() } else { repair() }
            pass()
            now += Int64.random(in: 100...3000, using: &random)
            _ = fleet.advance(to: now)
        }
        while !desk.queue.isEmpty || !fleet.running.isEmpty {
            guard now < 100_000_000 else {
                violations.append("\(desk.queue.count) tasks never ended")
                return
            }
            repair()
            pass()
            now += 5000
            _ = fleet.advance(to: now)
        }
    }

    private mutating func submit() {
        let owner = ["a", "b", "c"][Int.random(in: 0...2, using: &random)]
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            submitted += 1
            desk.queue.insert(
                Fixture.task(
                    submitted, owner: owner, images: Int.random(in: 0...500, using: &random), at: Double(now) / 1000))
        }
    }

    private mutating func accidents() {
        let index = Int.random(in: 0..<fleet.backends.count, using: &random)
        switch Int.random(in: 0...9, using: &random) {
        case 0: fleet.backends[index].isOnline.toggle()
        case 1: fleet.backends[index].isLocked.toggle()
        case 2: fleet.backends[index].breaker = .open(until: Timestamp(milliseconds: now + 5000))
        case 3: fleet.backends[index].breaker = .closed
        case 4...6: fleet.read(index)
        default: break
        }
    }

    private mutating func repair() {
        for index in fleet.backends.indices {
            fleet.backends[index].isOnline = true
            fleet.backends[index].isLocked = false
            fleet.backends[index].breaker = .closed
        }
    }

    private mutating func pass() {
        for (owner, priority) in priorities {
            desk.owners[owner] = OwnerShare(
                priority: priority, running: fleet.running.count { $0.task.owner == owner })
        }
        let before = desk.queue.count
        let decision = desk.decide(fleet.snapshots(), at: Double(now) / 1000)
        for placement in decision.placements {
            check(placement)
            fleet.start(placement, at: now, for: Int64.random(in: 500...9000, using: &random))
        }
        if desk.queue.count + decision.placements.count != before { violations.append("tasks vanished from the queue") }
        if decision.waiting.reduce(0, { $0 + $1.count }) != desk.queue.count { violations.append("report is short") }
        checkSlots()
        checkIdle(decision)
    }

    private mutating func check(_ placement: Placement) {
        guard let backend = fleet.backends.first(where: { $0.name == placement.backend }) else { return }
        if !backend.isOnline || backend.isLocked { violations.append("\(placement.backend) took a task while away") }
        if case .open(let until) = backend.breaker, until.milliseconds > now { violations.append("open breaker") }
        if let limit = backend.imageLimit, placement.task.images > limit { violations.append("too many images") }
        if desk.queue[placement.task.id] != nil { violations.append("placed and still waiting") }
    }

    private mutating func checkSlots() {
        for (index, backend) in fleet.backends.enumerated() {
            let here = fleet.running.count { $0.backend == index }
            if here > backend.slots { violations.append("\(backend.name) has \(here) tasks in \(backend.slots) slots") }
        }
    }

    /// A node of the lowest tier is idle only if no waiting task could use it (or one waits for its staged inputs).
    private mutating func checkIdle(_ decision: Decision) {
        guard desk.scheduler.policy.prefetch == 0 else { return }
        for waiting in decision.waiting where waiting.reasons.count < fleet.backends.count {
            violations.append("a task waits although a backend is free")
        }
    }
}
