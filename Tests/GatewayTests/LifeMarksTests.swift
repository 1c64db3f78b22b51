import Model
import Observability
import Reactor
import Record
import TestSupport
import Testing

@testable import Gateway

@Suite("Replicas: gateways that were killed on this machine", .timeLimit(.minutes(2)))
struct LifeMarksTests {
    private static let holder = "3f0c2a7e-0000-4000-8000-000000000001"
    private static let boot = Array("this boot".utf8)

    private static func marks(_ folder: ScratchFolder, boot: [UInt8] = Self.boot) -> LifeMarks {
        LifeMarks(folder: folder.path, pool: BlockingPool(threads: 1), boot: boot)
    }

    @Test("a gateway's end is known once the kernel has freed its mark, and not before")
    func ended() async throws {
        try await ScratchFolder.run { folder in
            let (living, other) = (Self.marks(folder), Self.marks(folder))
            #expect(await living.hold(as: Self.holder))
            #expect(await !other.hasEnded(Self.holder))
            living.die()
            #expect(await other.hasEnded(Self.holder))
            await other.forget(Self.holder)
            #expect(await !other.hasEnded(Self.holder), "who has no mark may live")
        }
    }

    @Test("marks of another machine or an earlier boot, and names that no gateway has, prove nothing")
    func noProof() async throws {
        try await ScratchFolder.run { folder in
            let there = Self.marks(folder, boot: Array("another boot".utf8))
            #expect(await there.hold(as: Self.holder))
            there.die()
            let here = Self.marks(folder)
            #expect(await !here.hasEnded(Self.holder))
            ScratchFolder.write(Self.boot, to: folder.path + "/elsewhere")
            for name in ["", "../elsewhere", "/elsewhere", "a\u{0}b", String(repeating: "a", count: 65)] {
                #expect(await !here.hasEnded(name))
            }
        }
    }

    @Test("a gateway that ends as it should leaves no mark; where there is no folder there is none")
    func letGo() async throws {
        try await ScratchFolder.run { folder in
            let marks = Self.marks(folder)
            #expect(await marks.hold(as: Self.holder))
            #expect(ScratchFolder.names(in: folder.path).count == 1)
            await marks.letGo()
            #expect(ScratchFolder.names(in: folder.path).isEmpty)
            let nowhere = LifeMarks(folder: folder.path + "/none", pool: BlockingPool(threads: 1), boot: Self.boot)
            #expect(await !nowhere.hold(as: Self.holder))
        }
    }

    @Test("leases of a gateway that was killed here are taken at once, those of one that lives are waited for")
    func leases() async throws {
        try await ScratchFolder.run { folder in
            try await LoopRunner.onLoop { _ in
                try await ScratchDatabase.postgresql.withDatabase { database in
                    let record = try await RoutingRecord(opening: database, random: SystemRandomBits())
                    let leases = record.leases
                    let first = Self.marks(folder)
                    #expect(await first.hold(as: "first"))
                    // None of them expires while this test runs.
                    _ = try await leases.acquire("scheduler", by: "first", for: .seconds(3600))
                    let clock = ManualClock()
                    let duties = Duties.shared(clock)
                    let keeper = LeaseKeeper(
                        leases, duties, holder: "second", backends: { [] }, clock: clock, marks: Self.marks(folder),
                        logger: .silent)
                    let running = Task { try await keeper.run() }
                    defer { running.cancel() }
                    while !duties.isMine(.housekeeping) { try await Task.sleep(for: .milliseconds(2)) }
                    #expect(!duties.isMine(.scheduling))
                    first.die()
                    while !duties.isMine(.scheduling) {
                        clock.advance(by: .milliseconds(100))
                        try await Task.sleep(for: .milliseconds(2))
                    }
                    #expect(duties.lease(.scheduling)?.number == 2, "what the first does under its number is refused")
                    await keeper.resign()
                    #expect(ScratchFolder.names(in: folder.path).isEmpty)
                }
            }
        }
    }
}
