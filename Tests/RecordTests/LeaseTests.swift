import Model
import Record
import SQL
import Synchronization
import TestSupport
import Testing

@Suite("Leases", .timeLimit(.minutes(2)))
struct LeaseTests {
    @Test("of many claimants one gets the lease", arguments: ScratchDatabase.all)
    func oneHolder(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let leases = fixture.record.leases
            let held = try await race(20) { index in
                try await leases.acquire("scheduler", by: "gateway-\(index)", for: .seconds(60))
            }.compactMap { $0 }
            #expect(held.count == 1)
            let lease = try #require(held.first)
            #expect(try await leases.acquire("scheduler", by: lease.holder, for: .seconds(60)) == lease)
            #expect(try await leases.renew(lease, for: .seconds(60)))
            try await leases.release(lease)
            let next = try #require(try await leases.acquire("scheduler", by: "other", for: .seconds(60)))
            #expect(next.number > lease.number)
            #expect(try await !leases.renew(lease, for: .seconds(60)))
            #expect(try await leases.acquire("watch/fra", by: "third", for: .seconds(60)) != nil)
        }
    }

    @Test("a lease that has run out can be taken, and its number grows", arguments: ScratchDatabase.all)
    func expiry(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let leases = fixture.record.leases
            let first = try #require(try await leases.acquire("scheduler", by: "a", for: .zero))
            let second = try #require(try await leases.acquire("scheduler", by: "b", for: .seconds(60)))
            #expect(second.number == first.number + 1)
            #expect(try await leases.acquire("scheduler", by: "a", for: .seconds(60)) == nil)
        }
    }

    @Test("on SQLite the clock is the database's, and a start takes all leases over")
    func takeOver() async throws {
        try await ScratchDatabase.withPath { path in
            let clock = ClockValue()
            var configuration = SQLiteDatabase.Configuration()
            configuration.pool = ScratchDatabase.pool
            configuration.now = { clock.milliseconds.load(ordering: .relaxed) }
            let database = try await SQLiteDatabase.open(path: path, configuration: configuration)
            let record = try await RoutingRecord(opening: database, random: SeededBits(1))
            let lease = try #require(try await record.leases.acquire("scheduler", by: "a", for: .seconds(15)))
            clock.milliseconds.add(14_999, ordering: .relaxed)
            #expect(try await record.leases.acquire("scheduler", by: "b", for: .seconds(15)) == nil)
            #expect(try await record.leases.renew(lease, for: .seconds(15)))
            clock.milliseconds.add(14_999, ordering: .relaxed)
            #expect(try await record.leases.acquire("scheduler", by: "b", for: .seconds(15)) == nil)

            let again = try await RoutingRecord(opening: database, random: SeededBits(2))
            let next = try #require(try await again.leases.acquire("scheduler", by: "b", for: .seconds(15)))
            #expect(next.number > lease.number)
            #expect(try await !record.leases.renew(lease, for: .seconds(15)))
            await database.close()
        }
    }

    @Test(
        "a holder renews all that nobody took, and what it gives back is told and free at once",
        arguments: ScratchDatabase.all)
    func renewAll(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let leases = fixture.record.leases
            var releases = leases.releases().makeAsyncIterator()
            _ = await releases.next()
            let kept = try #require(try await leases.acquire("scheduler", by: "a", for: .zero))
            let taken = try #require(try await leases.acquire("fetching", by: "a", for: .zero))
            let other = try #require(try await leases.acquire("fetching", by: "b", for: .seconds(60)))
            #expect(try await leases.held() == [other])
            #expect(try await leases.renewAll(of: "a", for: .seconds(60)) == [kept])
            #expect(taken.number < other.number)
            #expect(try await Set(leases.held()) == [kept, other])
            try await leases.releaseAll(of: "a")
            #expect(await releases.next() == "a")
            #expect(try await leases.renewAll(of: "a", for: .seconds(60)).isEmpty)
            #expect(try await leases.acquire("scheduler", by: "b", for: .seconds(60))?.number == kept.number + 1)
        }
    }

    @Test("names of gateways that ended long ago are forgotten, others stay", arguments: ScratchDatabase.all)
    func forget(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let leases = fixture.record.leases
            for name in ["scheduler", "transfers a 1"] {
                let lease = try #require(try await leases.acquire(name, by: "a", for: .seconds(60)))
                try await leases.release(lease)
            }
            let young = try #require(try await leases.acquire("transfers b 1", by: "b", for: .seconds(60)))
            try await leases.forget(notHeldFor: .seconds(60))
            #expect(try await leases.acquire("transfers a 1", by: "c", for: .seconds(60))?.number == 1)
            #expect(try await leases.acquire("scheduler", by: "c", for: .seconds(60))?.number == 2)
            #expect(try await leases.renew(young, for: .seconds(60)))
        }
    }

    @Test("a transition under a lost lease changes nothing", arguments: ScratchDatabase.all)
    func fence(scratch: ScratchDatabase) async throws {
        try await RecordFixture.with(scratch) { fixture in
            let leases = fixture.record.leases
            let id = try await fixture.queued("t")
            let lease = try #require(try await leases.acquire("scheduler", by: "a", for: .seconds(60)))
            let store = fixture.tasks.guarded(by: lease)
            try await store.markWaiting([id], reason: "full", at: fixture.at(1))
            #expect(try await fixture.read(id).isWaiting)
            try await leases.release(lease)
            _ = try await leases.acquire("scheduler", by: "b", for: .seconds(60))
            let error = await #expect(throws: RecordError.self) {
                _ = try await store.begin(id, on: RecordFixture.fra, reason: "", at: fixture.at(2)) { _ in .init("x") }
            }
            #expect(error?.code == .leaseLost)
            #expect(try await fixture.read(id).state == .queued)
        }
    }
}

/// A wall clock that a test turns.
private final class ClockValue: Sendable {
    let milliseconds = Atomic<Int64>(1_700_000_000_000)
}
