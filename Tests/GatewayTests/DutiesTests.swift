import Model
import NodeODM
import Reactor
import Record
import SQL
import TestSupport
import Testing

@testable import Gateway

@Suite("Replicas: duties")
struct DutiesTests {
    private static let lease = Lease(name: "scheduler", holder: "a", number: 3)

    @Test("the only gateway does everything, always; of several none does anything before it has a lease")
    func begin() {
        #expect(Duties.alone.isAlone && Duties.alone.isMine(.scheduling) && Duties.alone.carrier == nil)
        let shared = Duties.shared(ManualClock())
        #expect(!shared.isAlone && !shared.isMine(.scheduling) && shared.carrier == nil)
    }

    @Test("a duty ends fifteen seconds after the last renewal was asked for, by this machine's own clock")
    func lapse() {
        let clock = ManualClock()
        let duties = Duties.shared(clock)
        duties.take(Self.lease, for: .scheduling, at: clock.monotonic())
        clock.advance(by: .milliseconds(14_999))
        #expect(duties.isMine(.scheduling))
        let asked = clock.monotonic()
        clock.advance(by: .seconds(14))
        #expect(!duties.isMine(.scheduling))
        duties.renew([Self.lease], at: asked)
        #expect(duties.isMine(.scheduling))
        clock.advance(by: .seconds(1))
        #expect(!duties.isMine(.scheduling))
        #expect(duties.lease(.scheduling) == Self.lease, "nobody is known to have taken it")
        duties.renew([], at: clock.monotonic())
        #expect(duties.lease(.scheduling) == nil)
    }

    @Test("a lease under another number is another's")
    func number() {
        let clock = ManualClock()
        let duties = Duties.shared(clock)
        duties.take(Self.lease, for: .scheduling, at: clock.monotonic())
        duties.renew([Lease(name: "scheduler", holder: "a", number: 4)], at: clock.monotonic())
        #expect(!duties.isMine(.scheduling))
    }

    @Test("backends are shared out evenly, and those of a gateway that goes to all others")
    func sharing() throws {
        let members: Set<String> = ["a", "b", "c"]
        let backends = (0..<300).map { BackendName(recorded: "node\($0)") }
        var counts: [String: Int] = [:]
        for backend in backends {
            let chosen = try #require(LeaseKeeper.chosen(for: backend, among: members))
            counts[chosen, default: 0] += 1
            let without = LeaseKeeper.chosen(for: backend, among: members.subtracting(["b"]))
            #expect(chosen == "b" || without == chosen)
        }
        #expect(members.allSatisfy { counts[$0, default: 0] > 60 })
        #expect(LeaseKeeper.chosen(for: backends[0], among: []) == nil)
    }

    @Test("memory is relied on only from the reading of all that followed the last interruption")
    func following() {
        let following = Following()
        #expect(!following.isTrue(at: 0) && !following.isTrue(at: 1))
        following.caughtUp(1)
        #expect(following.isTrue(at: 1))
        #expect(!following.isTrue(at: 2) && !following.isTrue(at: 3))
        following.caughtUp(2)
        #expect(!following.isTrue(at: 2), "changes aren't heard")
        following.caughtUp(3)
        #expect(following.isTrue(at: 3))
    }
}

@Suite("Replicas: what is shown", .timeLimit(.minutes(2)))
struct ReplicaAnswerTests {
    @Test("an end is shown a second after memory knows of it, a cancel at once")
    func endDelay() async throws {
        let mirror = StatusMirror(endDelay: { .seconds(1) })
        try await MirrorWorld.run(mirror: mirror) { world in
            let (id, canceled) = (try await world.placed("a"), try await world.placed("b"))
            let key = try #require(try await world.recorded(id).attempt?.key)
            _ = try await world.store.finish(key, TaskEnd(code: .completed), at: world.now)
            _ = try await world.store.requestCancel(canceled, for: .everything, at: world.now)
            await world.parts.refresh(id)
            await world.parts.refresh(canceled)
            #expect(Self.code(id, world) == 20)
            #expect(Self.code(canceled, world) == 50)
            #expect(world.mirror.task(id)?.record.state == .completed, "downloads find it")
            world.clock.advance(by: .milliseconds(999))
            await world.parts.refresh(id)
            #expect(Self.code(id, world) == 20)
            world.clock.advance(by: .milliseconds(1))
            #expect(Self.code(id, world) == 40)
        }
    }

    @Test("while changes aren't heard of, the record answers; without it memory does")
    func deaf() async throws {
        try await MirrorWorld.run { world in
            let id = try await world.placed("a")
            let (known, database) = (world.parts.lookup, world.database)
            let lookup = TaskLookup(
                mirror: known.mirror, store: known.store, fleet: known.fleet, clock: known.clock,
                isFollowing: { !database.isUp || !database.isDeaf })
            _ = try await world.store.requestCancel(id, for: .everything, at: world.now)
            let caller = Caller.everybody
            #expect(try await lookup.task(id, for: caller).record.shownCode == .running)
            database.isDeaf = true
            #expect(try await lookup.task(id, for: caller).record.shownCode == .canceled)
            _ = try await world.store.requestRemove(id, for: .everything, at: world.now)
            database.isAway = true
            #expect(try await lookup.task(id, for: caller).record.shownCode == .canceled)
            database.isAway = false
            await #expect(throws: APIError.self) { _ = try await lookup.task(id, for: caller) }
        }
    }

    private static func code(_ id: TaskID, _ world: MirrorWorld) -> Int? {
        guard let body = world.mirror.task(id)?.body(at: world.clock.monotonic()) else { return nil }
        guard let json = try? JSONValue(parsing: String(decoding: body, as: UTF8.self)) else { return nil }
        return json["status"]?["code"]?.integer.map { Int($0) }
    }
}
