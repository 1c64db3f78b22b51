import Model
import Scheduling
import Testing

@Suite("Tiers")
struct TierTests {
    private let busy = Fixture.node("near", busy: 1)
    private let idle = Fixture.node("near")
    private let far = Fixture.node("far", tier: 1)

    @Test("the lowest tier first, even if the wait there is longer")
    func lowestFirst() {
        var desk = Desk([Fixture.task(1)])
        #expect(desk.placed([Fixture.node("near", slots: 2, busy: 1), far]) == ["1→near"])
    }

    @Test("a task falls to the next tier after spill_after of all eligible ones being full")
    func spill() {
        var desk = Desk([Fixture.task(1)])
        let first = desk.decide([busy, far], at: 100)
        #expect(first.placements.isEmpty)
        #expect(first.nextChange == Fixture.at(130))
        #expect(first.waiting.first?.reasons.map(\.reason) == [.full(slots: 1), .higherTier(1)])
        #expect(desk.placed([busy, far], at: 129.9).isEmpty)
        let last = desk.decide([busy, far], at: 130)
        #expect(last.placements.map(\.backend.string) == ["far"])
        #expect(last.placements.map(\.choice) == [.spilled(candidates: 1)])
    }

    @Test("each task has its own clock: a later one waits its own time")
    func clockPerTask() {
        var desk = Desk([Fixture.task(1, at: 100)])
        _ = desk.decide([busy, far], at: 100)
        desk.queue.insert(Fixture.task(2, at: 120))
        let wide = Fixture.node("far", slots: 2, tier: 1)
        #expect(desk.placed([busy, wide], at: 130) == ["1→far"])
        #expect(desk.placed([busy, wide], at: 149).isEmpty)
        #expect(desk.placed([busy, wide], at: 150) == ["2→far"])
    }

    @Test("the clock starts anew when a backend of the lower tier gets a free slot")
    func anew() {
        var desk = Desk([Fixture.task(1), Fixture.task(2)])
        _ = desk.decide([busy, far], at: 100)
        #expect(desk.placed([idle, far], at: 125) == ["1→near"])
        #expect(desk.placed([busy, far], at: 131).isEmpty)
        #expect(desk.placed([busy, far], at: 154).isEmpty)
        #expect(desk.placed([busy, far], at: 155) == ["2→far"])
    }

    @Test("a lower tier where no backend is eligible is no reason to wait")
    func noneEligible() {
        var desk = Desk([Fixture.task(1, images: 500)])
        #expect(desk.placed([Fixture.node("near", maxImages: 100), far]) == ["1→far"])
        desk.queue.insert(Fixture.task(2))
        #expect(desk.placed([Fixture.node("near") { $0.isOnline = false }, far]) == ["2→far"])
    }

    @Test("fullness is judged by the backends that this task can use")
    func ownEligibility() {
        var desk = Desk([Fixture.task(1, images: 500), Fixture.task(2, images: 50)])
        let fleet = [Fixture.node("large", busy: 1), Fixture.node("small", slots: 9, maxImages: 100), far]
        #expect(desk.placed(fleet, at: 0) == ["2→small"])
        #expect(desk.placed(fleet, at: 30) == ["1→far"])
    }

    @Test("with spill_after zero a full tier is left at once")
    func zero() {
        var desk = Desk([Fixture.task(1)])
        desk.scheduler.policy.spillAfter = .zero
        #expect(desk.placed([busy, far]) == ["1→far"])
    }

    @Test("rank doesn't offer a tier before its time")
    func ranking() {
        var desk = Desk([Fixture.task(1)])
        _ = desk.decide([busy, far], at: 100)
        let task = Fixture.task(1)
        let early = desk.scheduler.rank(task, fleet: [busy, far], state: desk.state, now: Fixture.at(129))
        #expect(early.map(\.isAble) == [false, false])
        let late = desk.scheduler.rank(task, fleet: [busy, far], state: desk.state, now: Fixture.at(130))
        #expect(late.first?.backend.string == "far")
        #expect(late.first?.isAble == true)
    }
}
