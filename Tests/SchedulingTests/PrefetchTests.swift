import Model
import Scheduling
import Testing

@Suite("Inputs sent ahead")
struct PrefetchTests {
    private func desk(_ tasks: [QueuedTask], prefetch: Int = 1) -> Desk {
        var desk = Desk(tasks)
        desk.scheduler.policy.prefetch = prefetch
        return desk
    }

    private func staged(_ number: Int, on backend: String, size: ByteCount = .mebibytes(500)) -> QueuedTask {
        Fixture.task(number) {
            $0.staged = Fixture.name(backend)
            $0.size = size
        }
    }

    private func names(_ decision: Decision) -> [String] {
        decision.prefetches.map { "\($0.task.string.dropFirst(5))→\($0.backend)" }
    }

    @Test("N of the next tasks go ahead to each busy node, the shortest wait first, once")
    func choice() {
        var desk = desk((1...9).map { Fixture.task($0, at: Double($0)) }, prefetch: 2)
        let fleet = [Fixture.node("slow", busy: 1), Fixture.node("fast", slots: 4, busy: 4, weight: 4)]
        #expect(names(desk.decide(fleet)) == ["1→fast", "2→fast", "3→slow", "4→slow"])
        #expect(desk.decide(fleet).prefetches.isEmpty)
        #expect(desk.queue.count == 9)
        #expect(desk.queue[Fixture.id(1)]?.staged == Fixture.name("fast"))
    }

    @Test("only a busy, healthy NodeODM node gets inputs ahead")
    func kinds() {
        var desk = desk([Fixture.task(1)])
        let fleet = [
            Fixture.node("argo", busy: 1, kind: .argo), Fixture.node("scaleodm", busy: 1, kind: .scaleodm),
            Fixture.node("cluster", busy: 1) { $0.load?.isCluster = true },
            Fixture.node("locked", busy: 1) { $0.isLocked = true },
            Fixture.node("probed", busy: 1) { $0.breaker = .halfOpen(isProbing: false) },
            Fixture.node("small", busy: 1, maxImages: 10),
        ]
        #expect(desk.decide(fleet).prefetches.isEmpty)
        #expect(names(desk.decide(fleet + [Fixture.node("plain", busy: 1)])) == ["1→plain"])
    }

    @Test("none with prefetch 0, and not to a tier that the task may not use yet")
    func limits() {
        var none = desk([Fixture.task(1)], prefetch: 0)
        #expect(none.decide([Fixture.node("a", busy: 1)]).prefetches.isEmpty)
        var tiers = desk([Fixture.task(1), Fixture.task(2)])
        let fleet = [Fixture.node("near", busy: 1), Fixture.node("far", busy: 1, tier: 1)]
        #expect(names(tiers.decide(fleet)) == ["1→near"])
        #expect(names(tiers.decide(fleet, at: 30)) == ["2→far"])
    }

    @Test("a task whose inputs are taken back for another tier goes there, however long that takes")
    func leaving() {
        var desk = desk([Fixture.task(1)])
        let fleet = [Fixture.node("near", busy: 1), Fixture.node("far", tier: 1)]
        #expect(names(desk.decide(fleet)) == ["1→near"])
        let moved = desk.decide(fleet, at: 30)
        #expect(moved.placements.map(\.choice) == [.moved(from: Fixture.name("near"))])
        // Meanwhile it isn't in the queue, and passes go on.
        for seconds in [30.1, 31, 45] { #expect(desk.decide(fleet, at: seconds).placements.isEmpty) }
        desk.queue.insert(Fixture.task(1))
        let back = desk.decide(fleet, at: 50)
        #expect(back.placements.map(\.backend.string) == ["far"] && back.prefetches.isEmpty)
        // A free slot starts the clock anew, as for those that wait.
        desk.queue.insert(Fixture.task(2, at: 60))
        #expect(desk.placed([Fixture.node("near"), Fixture.node("far", tier: 1)], at: 60) == ["2→near"])
        desk.queue.insert(Fixture.task(3, at: 61))
        #expect(desk.placed(fleet, at: 61).isEmpty)
    }

    @Test("a staged task is committed where its inputs are")
    func commit() {
        var desk = desk([staged(1, on: "b")])
        let decision = desk.decide([Fixture.node("a"), Fixture.node("b", slots: 2, busy: 1)])
        #expect(decision.placements.map(\.backend.string) == ["b"])
        #expect(decision.placements.map(\.choice) == [.staged])
    }

    @Test("inputs that are still on their way move to any free slot, but not from one of their own node")
    func stillStaging() {
        let task = Fixture.task(1) {
            $0.staged = Fixture.name("home")
            $0.isStaging = true
            $0.size = .gibibytes(100)
        }
        let busy = Fixture.node("home", busy: 1) { $0.ownWork = 1 }
        var moves = desk([task])
        #expect(
            moves.decide([Fixture.node("other"), busy]).placements.map(\.choice)
                == [.moved(from: Fixture.name("home"))])
        var stays = desk([task])
        #expect(stays.decide([Fixture.node("other", busy: 1), busy]).placements.isEmpty)
        var home = desk([task])
        #expect(home.decide([Fixture.node("other"), Fixture.node("home")]).placements.map(\.choice) == [.staged])
    }

    @Test("it stays where it is while that wait is shorter than sending again, else it moves")
    func stayOrMove() {
        let home = Fixture.node("home", busy: 1) { $0.ownWork = 10 }
        var stays = desk([staged(1, on: "home", size: .gibibytes(100))])
        let kept = stays.decide([Fixture.node("other"), home])
        #expect(kept.placements.isEmpty)
        #expect(kept.discards.isEmpty)
        var moves = desk([staged(1, on: "home", size: .mebibytes(1))])
        let moved = moves.decide([Fixture.node("other"), home])
        #expect(moved.placements.map(\.choice) == [.moved(from: Fixture.name("home"))])
        #expect(moved.placements.map(\.backend.string) == ["other"])
    }

    @Test("a node that became ineligible loses the task to another's free slot")
    func ineligible() {
        var desk = desk([staged(1, on: "home", size: .gibibytes(100))])
        let offline = Fixture.node("home") { $0.isOnline = false }
        let waits = desk.decide([Fixture.node("other", busy: 1), offline])
        #expect(waits.placements.isEmpty && waits.discards.isEmpty && waits.prefetches.isEmpty)
        #expect(desk.decide([Fixture.node("other"), offline]).placements.map(\.backend.string) == ["other"])
    }

    @Test("an area on a node that an operator took out is given up and sent to another")
    func discard() {
        var desk = desk([staged(1, on: "home"), staged(2, on: "gone")])
        let fleet = [Fixture.node("other", busy: 1), Fixture.node("home", busy: 1) { $0.isDraining = true }]
        let decision = desk.decide(fleet)
        #expect(Set(decision.discards.map(\.task)) == [Fixture.id(1), Fixture.id(2)])
        #expect(
            decision.discards.contains { $0.reason == .draining }
                && decision.discards.contains { $0.reason == .retired })
        #expect(names(decision) == ["1→other"])
    }
}
