import Model
import Testing

@testable import Scheduling

@Suite("The order of the queue, and ranks")
struct OrderTests {
    @Test(
        "the order is the one in which tasks are placed, whatever the owners' priorities and weights", arguments: 0..<40
    )
    func order(seed: UInt64) {
        var dice = SeededGenerator(seed: seed)
        let owners = Dictionary(
            uniqueKeysWithValues: (0..<4).map { number in
                (
                    OwnerID("owner\(number)"),
                    OwnerShare(
                        priority: Int.random(in: 0...1, using: &dice), weight: Double.random(in: 0.5...4, using: &dice),
                        running: Int.random(in: 0...3, using: &dice))
                )
            })
        var queue = TaskQueue()
        for number in 1...30 {
            var task = Fixture.task(
                number, images: Int.random(in: 1...300, using: &dice), at: Double.random(in: 0...50, using: &dice))
            task.owner = OwnerID("owner\(Int.random(in: 0..<4, using: &dice))")
            queue.insert(task)
        }
        // Some that were taken out again, as a cancel does.
        for number in [3, 17, 29] { queue.remove(Fixture.id(number)) }
        let order = queue.order(owners: owners, limit: 100).map(\.id)
        #expect(order.count == 27 && queue.order(owners: owners, limit: 5).map(\.id) == Array(order.prefix(5)))
        var state = SchedulerState()
        let scheduler = Desk().scheduler
        let decision = scheduler.decide(
            queue: &queue, fleet: [Fixture.node("a", slots: 99)], owners: owners, state: &state, now: Fixture.at(100))
        #expect(decision.placements.map(\.task.id) == order)
    }

    @Test("a task that pauses comes last, and an owner's limit leaves his tasks in the order")
    func pausing() {
        var queue = TaskQueue()
        queue.insert(Fixture.task(1) { $0.notBefore = Fixture.at(10) })
        for number in 2...4 { queue.insert(Fixture.task(number, at: Double(number))) }
        let owners = [Fixture.task(1).owner: OwnerShare(running: 2, limit: 1)]
        #expect(queue.order(owners: owners, limit: 9).map(\.id) == [2, 3, 4, 1].map(Fixture.id))
        #expect(queue.count == 4, "looking changes nothing")
    }

    @Test("a task that is made anew keeps its place, and until then its version is unknown")
    func anew() {
        var queue = TaskQueue()
        for number in 1...5 { queue.insert(Fixture.task(number) { $0.revision = 7 }) }
        let ids = (1...5).map(Fixture.id)
        for id in ids.reversed() { queue.touch(id) }
        #expect(ids.allSatisfy { queue[$0]?.revision == nil })
        for number in [4, 1, 5, 2, 3] { queue.insert(Fixture.task(number, images: 50 + number) { $0.revision = 8 }) }
        #expect(queue.order(owners: [:], limit: 9).map(\.id) == ids)
        #expect(ids.allSatisfy { queue[$0]?.revision == 8 } && queue[ids[0]]?.images == 51)
        queue.remove(ids[1])
        queue.insert(Fixture.task(3, owner: "another"))
        #expect(Set(queue.order(owners: [:], limit: 9).map(\.id)) == Set([1, 3, 4, 5].map(Fixture.id)))
    }

    @Test("the first of a ranking is the backend that is chosen, with ties, weights and rotation", arguments: 0..<60)
    func firstIsChosen(seed: UInt64) {
        var dice = SeededGenerator(seed: seed)
        var state = SchedulerState()
        let scheduler = Desk().scheduler
        let fleet = (0..<6).map { number in
            Fixture.node(
                "n\(number)", slots: 3, busy: Int.random(in: 0...3, using: &dice),
                tier: Int.random(in: 0...1, using: &dice)
            ) {
                $0.weight = [1, 2].randomElement(using: &dice) ?? 1
                $0.isLocked = Int.random(in: 0..<5, using: &dice) == 0
            }
        }
        for number in 1...4 {
            let task = Fixture.task(number, images: 0)
            let ranked = scheduler.rank(task, fleet: fleet, state: state, now: Fixture.at(1))
            var queue = TaskQueue()
            queue.insert(task)
            let decision = scheduler.decide(
                queue: &queue, fleet: fleet, owners: [:], state: &state, now: Fixture.at(1))
            #expect(decision.placements.first?.backend == ranked.first { $0.isAble }?.backend)
            #expect(ranked.count == fleet.count)
        }
    }

    @Test("what is only full or in a higher tier is eligible; what is locked or too small isn't")
    func eligible() {
        let fleet = [
            Fixture.node("far", tier: 1), Fixture.node("full", busy: 1), Fixture.node("small", maxImages: 10),
            Fixture.node("silent") { $0.isOnline = false },
            Fixture.node("failing") { $0.breaker = .open(until: Fixture.at(9)) },
        ]
        let scheduler = Desk().scheduler
        let ranked = scheduler.rank(
            Fixture.task(1, images: 200), fleet: fleet, state: SchedulerState(), now: Fixture.at(0))
        func names(_ isWanted: (Candidate) -> Bool) -> Set<String> {
            Set(ranked.filter(isWanted).map(\.backend.string))
        }
        #expect(names(\.isEligible) == ["far", "full"])
        #expect(names(\.isWorthWaitingFor) == ["far", "full", "failing"])
        #expect(names { $0.predictedTime == nil } == ["silent"])
        #expect(ranked.first { $0.backend.string == "full" }?.predictedTime == .seconds(600), "100 images at 6 s")
    }
}
