import Model
import Scheduling
import Testing

@Suite("The scheduler chooses a backend")
struct SchedulerTests {
    @Test("no task goes to a backend without a free slot")
    func lateBinding() {
        var desk = Desk((1...5).map { Fixture.task($0) })
        let fleet = [Fixture.node("a", slots: 2, busy: 1), Fixture.node("b", slots: 1, busy: 1), Fixture.node("c")]
        #expect(desk.placed(fleet).sorted() == ["1→c", "2→a"])
        #expect(desk.queue.count == 3)
    }

    @Test("the shortest predicted wait wins: work ahead by slots and weight")
    func shortestWait() {
        var desk = Desk([Fixture.task(1)])
        let fleet = [
            Fixture.node("a", slots: 2, busy: 1), Fixture.node("b", slots: 4, busy: 1),
            Fixture.node("c", slots: 2, busy: 1, weight: 4),
        ]
        #expect(desk.placed(fleet) == ["1→c"])
    }

    @Test("of equals the faster, then each in turn")
    func rotation() {
        var desk = Desk((1...6).map { Fixture.task($0) })
        var seen: [String] = []
        for second in 0..<3 {
            let task = desk.placed([Fixture.node("a"), Fixture.node("b"), Fixture.node("c")], at: Double(second))
            seen += task
        }
        #expect(seen == ["1→a", "2→b", "3→c", "4→a", "5→b", "6→c"])
        var turns: [String] = []
        for number in 7...10 {
            desk.queue.insert(Fixture.task(number))
            turns += desk.placed([Fixture.node("a", slots: 9), Fixture.node("b", slots: 9)], at: 9)
        }
        #expect(turns == ["7→a", "8→b", "9→a", "10→b"])
        desk.queue.insert(Fixture.task(11))
        #expect(desk.placed([Fixture.node("a"), Fixture.node("fast", weight: 2)]) == ["11→fast"])
    }

    @Test("placements that a reading can't include hold their slots, seen ends free them")
    func inFlight() {
        let tasks = (1...9).map { Fixture.task($0) }
        var desk = Desk(tasks)
        let node = Fixture.node("a", slots: 4) {
            $0.load?.unfinished = 3
            $0.placementsUnseen = 2
            $0.endsUnseen = 3
            $0.ownUnfinished = 2
        }
        #expect(node.occupied == 2)
        #expect(desk.decide([node]).placements.count == 2)
        var stale = node
        stale.load?.unfinished = 0
        stale.ownUnfinished = 3
        desk = Desk(tasks)
        #expect(desk.decide([stale]).placements.count == 1)
    }

    @Test("tasks of others take slots unless the inventory says otherwise")
    func foreign() {
        var desk = Desk([Fixture.task(1)])
        let full = Fixture.node("a", slots: 2) { $0.load?.unfinished = 2 }
        #expect(desk.placed([full]).isEmpty)
        #expect(
            desk.placed([
                Fixture.node("a", slots: 2) {
                    $0.load?.unfinished = 2; $0.countsForeign = false
                }
            ]) == ["1→a"])
    }

    @Test("a ClusterODM whose slots the inventory doesn't tell gets one task at a time")
    func clusterWithoutSlots() {
        let cluster = Fixture.node("cluster", slots: 99_999_999) { $0.load?.isCluster = true }
        var desk = Desk([Fixture.task(1), Fixture.task(2)])
        #expect(desk.decide([cluster]).placements.count == 1)
    }

    @Test("a task that goes on with a project waits for the backend that holds it")
    func bound() {
        let task = Fixture.task(1) { $0.requirements = Requirements(boundTo: Fixture.name("home")) }
        var desk = Desk([task])
        let other = Fixture.node("other")
        let away = desk.decide([other, Fixture.node("home") { $0.isOnline = false }])
        #expect(away.placements.isEmpty)
        #expect(away.waiting.first?.reasons.map(\.reason) == [.lacksProject, .offline])
        #expect(away.waiting.first?.impossibleSince == nil)
        #expect(desk.decide([other]).waiting.first?.impossibleSince != nil)
        #expect(desk.placed([other, Fixture.node("home")]) == ["1→home"])
    }

    @Test("a ClusterODM's load is our own unfinished tasks and its slots are the inventory's")
    func clusterODM() {
        var desk = Desk((1...9).map { Fixture.task($0) })
        let cluster = Fixture.node("cluster") {
            $0.load = Fixture.load(slots: 1, unfinished: 99, isCluster: true)
            $0.maxParallelTasks = 4
            $0.ownUnfinished = 1
        }
        #expect(desk.decide([cluster]).placements.count == 3)
    }

    @Test("a backend that can't take the task is passed over, and says why", arguments: Exclusion.all)
    func exclusions(exclusion: Exclusion) {
        let task = Fixture.task(
            1, images: 200, options: ["dsm"], labels: ["gpu": "true"], needs: exclusion.needs)
        var desk = Desk([task])
        let node = Fixture.node("a", labels: ["gpu": "true"], exclusion.change)
        let decision = desk.decide([node])
        #expect(decision.placements.isEmpty)
        #expect(decision.waiting.first?.reasons.map(\.reason) == [exclusion.reason])
        #expect(decision.waiting.first?.impossibleSince == (exclusion.isImpossible ? Fixture.at(0) : nil))
        #expect(!exclusion.reason.text.isEmpty)
        let ranked = desk.scheduler.rank(task, fleet: [node], state: desk.state, now: Fixture.at(0))
        #expect(ranked.first?.reasons.contains(exclusion.reason) == true)
        #expect(desk.placed([Fixture.node("b", labels: ["gpu": "true"])]) == (exclusion.needs.isEmpty ? ["1→b"] : []))
    }

    @Test("a node that was never asked for its options has the reference list")
    func referenceOptions() {
        var desk = Desk([Fixture.task(1, options: ["dsm"]), Fixture.task(2, options: ["new-option"])])
        #expect(desk.placed([Fixture.node("a", slots: 2)]) == ["1→a"])
        let decision = desk.decide([Fixture.node("a", slots: 2, options: EngineOptions(["new-option"]))])
        #expect(decision.placements.map(\.task.id) == [Fixture.id(2)])
    }

    @Test("a task goes back to a backend that refused it only when no other can take it")
    func passedOver() {
        let task = Fixture.task(1) { $0.passedOver = [Fixture.name("a")] }
        var desk = Desk([task])
        #expect(desk.placed([Fixture.node("a"), Fixture.node("b", busy: 1)]).isEmpty)
        #expect(desk.placed([Fixture.node("a"), Fixture.node("b") { $0.isOnline = false }]) == ["1→a"])
        let failing = Fixture.node("b") { $0.breaker = .open(until: Fixture.at(60)) }
        #expect(desk.placed([Fixture.node("a"), failing]).isEmpty, "b takes it in a minute")
        desk.queue.insert(Fixture.task(2) { $0.passedOver = [Fixture.name("a"), Fixture.name("b")] })
        #expect(desk.placed([Fixture.node("a", busy: 1), Fixture.node("b")]) == ["2→b"])
    }

    @Test("a half-open breaker lets one task through, an open one none until its time")
    func breakers() {
        var desk = Desk((1...3).map { Fixture.task($0) })
        let node = Fixture.node("a", slots: 4) { $0.breaker = .open(until: Fixture.at(5)) }
        let early = desk.decide([node], at: 4)
        #expect(early.placements.isEmpty)
        #expect(early.nextChange == Fixture.at(5))
        #expect(desk.decide([node], at: 5).placements.count == 1)
        let probing = Fixture.node("a", slots: 4, busy: 1) { $0.breaker = .halfOpen(isProbing: true) }
        #expect(desk.placed([probing], at: 6).isEmpty)
        #expect(desk.decide([Fixture.node("a", slots: 4, busy: 1)], at: 7).placements.count == 2)
    }

    @Test("a pause after a counted failure is kept, and the task keeps its age")
    func pauses() {
        var desk = Desk([Fixture.task(1) { $0.notBefore = Fixture.at(10) }, Fixture.task(2, at: 1)])
        let decision = desk.decide([Fixture.node("a", busy: 1)], at: 5)
        #expect(decision.nextChange == Fixture.at(10))
        #expect(desk.placed([Fixture.node("a")], at: 11) == ["1→a"])
        #expect(desk.placed([Fixture.node("a")], at: 12) == ["2→a"])
    }

    @Test("with no backends all wait, and are impossible since the first pass that saw it")
    func emptyFleet() {
        var desk = Desk([Fixture.task(1)])
        #expect(desk.decide([], at: 7).waiting.first?.impossibleSince == Fixture.at(7))
        #expect(desk.decide([], at: 9).waiting.first?.impossibleSince == Fixture.at(7))
        #expect(desk.decide([Fixture.node("a", busy: 1)], at: 10).waiting.first?.impossibleSince == nil)
        let again = desk.decide([], at: 11)
        #expect(again.waiting.first?.impossibleSince == Fixture.at(11))
        #expect(again.waiting.first.map { desk.queue.tasks(of: $0.taskClass).map(\.id) } == [Fixture.id(1)])
    }

    @Test("rank tells of every backend, the chosen one first")
    func rank() {
        let fleet = [
            Fixture.node("far", tier: 1), Fixture.node("full", busy: 1), Fixture.node("idle"),
            Fixture.node("locked", maxImages: 10) { $0.isLocked = true },
        ]
        let desk = Desk()
        let ranked = desk.scheduler.rank(Fixture.task(1), fleet: fleet, state: desk.state, now: Fixture.at(0))
        #expect(ranked.map(\.backend.string) == ["idle", "locked", "full", "far"])
        #expect(
            ranked.map(\.reasons) == [
                [], [.locked, .tooManyImages(limit: 10)], [.full(slots: 1)], [.higherTier(1)],
            ])
    }
}

/// One way in which a backend can't take a task.
struct Exclusion: Sendable, CustomTestStringConvertible {
    var reason: Reason
    var isImpossible = false
    var needs: TaskNeeds = []
    var change: @Sendable (inout BackendSnapshot) -> Void

    var testDescription: String { reason.code }

    static let all: [Exclusion] = [
        Exclusion(reason: .retired, isImpossible: true) { $0.isRetired = true },
        Exclusion(reason: .locked) { $0.isLocked = true },
        Exclusion(reason: .draining) { $0.isDraining = true },
        Exclusion(reason: .offline) { $0.isOnline = false },
        Exclusion(reason: .neverRead) { $0.load = nil },
        Exclusion(reason: .failing(until: Fixture.at(9))) { $0.breaker = .open(until: Fixture.at(9)) },
        Exclusion(reason: .probing) { $0.breaker = .halfOpen(isProbing: true) },
        Exclusion(reason: .tooManyImages(limit: 199), isImpossible: true) { $0.load?.maxImages = 199 },
        Exclusion(reason: .tooManyImages(limit: 50), isImpossible: true) { $0.maxImages = 50 },
        Exclusion(reason: .unknownOption("dsm"), isImpossible: true) { $0.options = EngineOptions(["x"]) },
        Exclusion(reason: .missingLabel("gpu=true"), isImpossible: true) { $0.labels = ["gpu": "false"] },
        Exclusion(reason: .missingLabel("gpu=true"), isImpossible: true) {
            $0.labels = [:]
            $0.isOnline = true
        },
        Exclusion(reason: .unsupported(.objectStorage), isImpossible: true, needs: .objectStorage) { _ in },
        Exclusion(reason: .unsupported(.archives), isImpossible: true, needs: .archives) { _ in },
        Exclusion(reason: .full(slots: 1)) { $0.ownUnfinished = 1 },
    ]
}
