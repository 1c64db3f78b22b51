import Model
import Scheduling
import Testing

@Suite("Which task is next")
struct FairShareTests {
    @Test("the oldest of an owner first, whatever the order of arrival")
    func age() {
        var desk = Desk([Fixture.task(3, at: 3), Fixture.task(1, at: 1), Fixture.task(2, at: 2)])
        #expect(desk.placed([Fixture.node("a", slots: 2)]) == ["1→a", "2→a"])
    }

    @Test("a task that returns after a failed placement gets its place back")
    func returning() {
        var desk = Desk((1...3).map { Fixture.task($0, at: Double($0)) })
        let first = desk.decide([Fixture.node("a")]).placements.map(\.task)
        for task in first { desk.queue.insert(task) }
        #expect(desk.placed([Fixture.node("a", slots: 2)]) == ["1→a", "2→a"])
    }

    @Test("priority comes before everything else")
    func priority() {
        var desk = Desk([Fixture.task(1, owner: "low"), Fixture.task(2, owner: "high", at: 9)])
        desk.owners[OwnerID("high")] = OwnerShare(priority: 1, running: 50)
        #expect(desk.placed([Fixture.node("a")], at: 10) == ["2→a"])
    }

    @Test("owners share slots by weight, counting what they hold")
    func weights() {
        var desk = Desk((1...60).map { Fixture.task($0, owner: $0 % 2 == 0 ? "even" : "odd") })
        desk.owners[OwnerID("even")] = OwnerShare(weight: 2)
        let placed = desk.decide([Fixture.node("a", slots: 30)]).placements
        #expect(placed.count { $0.task.owner == OwnerID("even") } == 20)
        #expect(placed.count { $0.task.owner == OwnerID("odd") } == 10)
        desk = Desk((1...10).map { Fixture.task($0, owner: $0 % 2 == 0 ? "even" : "odd") })
        desk.owners[OwnerID("odd")] = OwnerShare(running: 4)
        #expect(desk.decide([Fixture.node("a", slots: 4)]).placements.allSatisfy { $0.task.owner == OwnerID("even") })
    }

    @Test("one owner's million tasks don't starve another's one")
    func noStarvation() {
        var desk = Desk((1...10_000).map { Fixture.task($0, owner: "crowd") })
        desk.owners[OwnerID("crowd")] = OwnerShare(running: 8)
        desk.queue.insert(Fixture.task(0, owner: "single", at: 99))
        #expect(desk.placed([Fixture.node("a")], at: 100) == ["0→a"])
    }

    @Test("an owner at its limit waits, and others go on")
    func limits() {
        var desk = Desk((1...9).map { Fixture.task($0, owner: $0 < 7 ? "limited" : "free") })
        desk.owners[OwnerID("limited")] = OwnerShare(running: 1, limit: 3)
        let decision = desk.decide([Fixture.node("a", slots: 9)])
        #expect(decision.placements.count { $0.task.owner == OwnerID("limited") } == 2)
        #expect(decision.placements.count { $0.task.owner == OwnerID("free") } == 3)
        #expect(decision.limitedOwners == [OwnerID("limited")])
        #expect(decision.waiting.map(\.count) == [4])
        #expect(decision.waiting.first?.reasons.isEmpty == true)
    }

    @Test("a task that no free backend can take doesn't hold up the ones behind it")
    func noBlocking() {
        var desk = Desk([Fixture.task(1, images: 900), Fixture.task(2, images: 9, at: 1)])
        #expect(desk.placed([Fixture.node("small", maxImages: 100), Fixture.node("large", busy: 1)]) == ["2→small"])
    }

    @Test("removing and changing tasks leaves the queue as it says it is")
    func queue() {
        var desk = Desk((1...100).map { Fixture.task($0) })
        for number in stride(from: 1, through: 99, by: 2) { #expect(desk.queue.remove(Fixture.id(number)) != nil) }
        #expect(desk.queue.remove(Fixture.id(1)) == nil)
        desk.queue.insert(Fixture.task(2, images: 7))
        #expect(desk.queue.count == 50)
        #expect(desk.queue[Fixture.id(2)]?.images == 7)
        #expect(
            desk.decide([Fixture.node("a", slots: 200)]).placements.map(\.task.id)
                == stride(from: 2, through: 100, by: 2).map { Fixture.id($0) })
        #expect(desk.queue.isEmpty)
    }
}
