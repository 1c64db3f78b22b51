import Backends
import Model
import NodeODM
import Reactor
import Record
import Synchronization
import TestSupport
import Testing

@testable import Gateway

@Suite("History")
struct HistoryTests {
    private static func sample(_ minute: Int, queue: Int?, _ backends: [(String, Int?, Int?)] = []) -> History.Sample {
        var sample = History.Sample(at: Timestamp(milliseconds: 1_700_000_000_000 + Int64(minute) * 60_000))
        sample.figures[.queue] = queue
        sample.backends = backends.map { name, running, slots in
            (BackendName(recorded: name), History.Load(running: running, slots: slots))
        }
        return sample
    }

    private static func read(_ history: History, hours: Int = 24) throws -> JSONValue {
        let names = ["a", "b"].map { BackendName(recorded: $0) }
        return try JSONValue(parsing: history.json(hours: hours, of: names))
    }

    private static func queue(_ history: History, hours: Int = 24) throws -> [Int64?] {
        let series = try read(history, hours: hours)["series"]?["queue"]?.array
        return try #require(series).map(\.integer)
    }

    @Test("samples come back in order from the first that is kept, with its moment, and minutes without one are null")
    func order() throws {
        var history = History(capacity: 5)
        history.add(Self.sample(0, queue: 7))
        history.add(Self.sample(1, queue: nil))
        history.add(Self.sample(4, queue: 9), missed: 2)
        #expect(try Self.queue(history) == [7, nil, nil, nil, 9])
        #expect(try Self.read(history)["from"]?.text == "2023-11-14T22:13:20.000Z")
        history.add(Self.sample(5, queue: 10))
        #expect(try Self.queue(history) == [nil, nil, nil, 9, 10], "the oldest goes")
        #expect(try Self.read(history)["from"]?.text == "2023-11-14T22:14:20.000Z")
        #expect(try Self.read(history)["step"]?.integer == 60)
    }

    @Test("an empty history has no beginning and empty series")
    func empty() throws {
        let json = try Self.read(History())
        #expect(json["from"] == .null)
        for figure in History.Figure.allCases { #expect(json["series"]?[figure.rawValue] == .array([])) }
        #expect(json["backends"] == .object([]))
    }

    @Test("so many hours are given as are asked for")
    func hours() throws {
        var history = History()
        for minute in 0..<150 { history.add(Self.sample(minute, queue: minute)) }
        #expect(try Self.queue(history, hours: 1) == (90..<150).map { Int64($0) })
        #expect(try Self.queue(history, hours: 24).count == 150)
    }

    @Test("more missed minutes than are kept leave nothing of what was before")
    func longSleep() throws {
        var history = History(capacity: 4)
        history.add(Self.sample(0, queue: 1, [("a", 1, 2)]))
        history.add(Self.sample(9_000_000, queue: 2), missed: .max)
        #expect(try Self.queue(history) == [nil, nil, nil, 2])
        #expect(try Self.read(history)["backends"] == .object([]))
    }

    @Test("a backend has nulls where it wasn't there, and goes with its last sample")
    func backends() throws {
        var history = History(capacity: 3)
        history.add(Self.sample(0, queue: 0, [("a", 1, 4)]))
        history.add(Self.sample(1, queue: 0, [("b", 2, 2)]))
        #expect(try Self.read(history)["backends"]?["a"]?["running"] == .array([.integer(1), .null]))
        #expect(try Self.read(history)["backends"]?["b"]?["slots"] == .array([.null, .integer(2)]))
        for minute in 2..<4 { history.add(Self.sample(minute, queue: 0, [("b", nil, 0)])) }
        #expect(try Self.read(history)["backends"]?["a"] == nil, "its place isn't taken for a new sample")
        #expect(try Self.read(history)["backends"]?["b"]?["running"] == .array([.integer(2), .null, .null]))
    }

    @Test("only the backends that were asked for are told of, each once, and one that isn't known is left out")
    func named() throws {
        var history = History(capacity: 3)
        history.add(Self.sample(0, queue: 0, [("a", 1, 4), ("b", 2, 2)]))
        func told(_ names: String...) throws -> [String]? {
            let names = names.map { BackendName(recorded: $0) }
            return try JSONValue(parsing: history.json(hours: 1, of: names))["backends"]?.members?.map(\.name)
        }
        #expect(try told() == [])
        #expect(try told("b") == ["b"])
        #expect(try told("b", "a", "b", "nobody") == ["a", "b"])
    }

    @Test("a thousand backends over a day take a few MiB, and backends that come and go don't add to that without end")
    func bound() throws {
        var history = History(backendLimit: 1000)
        let first = (0..<1000).map { ("node\($0)", 1, 2) as (String, Int?, Int?) }
        history.add(Self.sample(0, queue: 0, first))
        #expect(history.footprint < 6 << 20)
        let second = (0..<600).map { ("other\($0)", 1, 2) as (String, Int?, Int?) }
        history.add(Self.sample(1, queue: 0, second))
        #expect(history.footprint < 6 << 20)
        let all = (first + second).map { BackendName(recorded: $0.0) }
        let json = try JSONValue(parsing: history.json(hours: 24, of: all))
        let kept = try #require(json["backends"]?.members).map(\.name)
        #expect(kept.count == 1000 && kept.count { $0.hasPrefix("other") } == 600, "those seen last stay")
    }

    @Test(
        "figures beyond what a ring can hold are its largest, and never read as not known",
        arguments: [(-3, 0), (0, 0), (65_534, 65_534), (65_535, 65_534), (Int.max, 65_534)])
    func large(value: Int, kept: Int) {
        var ring = SampleRing<UInt16>(capacity: 2)
        ring[1] = value
        #expect(ring[1] == kept && ring[0] == nil)
        ring[3] = nil
        #expect(ring[1] == nil, "a turn later the place is another's")
    }
}

@Suite("History: taking samples", .timeLimit(.minutes(2)))
struct HistoryKeeperTests {
    /// What a listener has answered, as a test says.
    private final class Counters: Sendable {
        private let value = Mutex(Traffic())
        var traffic: Traffic { value.withLock { $0 } }
        func add(_ more: Traffic) { value.withLock { $0 = $0 + more } }
    }

    private static func keeping(
        _ world: MirrorWorld, _ body: (HistoryKeeper, Counters) async throws -> Void
    ) async throws {
        let counters = Counters()
        let keeper = HistoryKeeper(
            .init(fleet: world.parts.fleet, mirror: world.mirror, traffic: { counters.traffic }), clock: world.clock)
        let service = Task(executorPreference: world.loop) { try await keeper.run() }
        await world.settle()
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(keeper, counters)) } catch { outcome = .failure(error) }
        service.cancel()
        try? await service.value
        try outcome.get()
    }

    private static func series(_ keeper: HistoryKeeper, _ figure: History.Figure) throws -> [Int64?] {
        let json = try JSONValue(parsing: keeper.history.json(hours: 24, of: []))
        return try #require(json["series"]?[figure.rawValue]?.array).map(\.integer)
    }

    @Test("there is a sample at once and one each minute: tasks, slots, and what came within the minute")
    func minutes() async throws {
        try await MirrorWorld.run { world in
            try await Self.keeping(world) { keeper, counters throws in
                #expect(try Self.series(keeper, .queue) == [0])
                #expect(try Self.series(keeper, .slots) == [nil], "no backend was read yet")
                #expect(try Self.series(keeper, .requests) == [nil], "there was no minute yet")
                let id = try await world.placed("a")
                _ = try await world.queued("b")
                world.parts.fleet.change(MirrorWorld.name) { member in
                    member.load = BackendLoad(
                        slots: 4, unfinished: 3, maxImages: nil, engine: "odm", engineVersion: "3.6.0",
                        apiVersion: "2.2.4")
                    member.loadReadAt = world.clock.monotonic()
                }
                counters.add(Traffic(requests: 120, errors: 2, receivedBytes: 5000, sentBytes: 7000))
                await world.pass(.seconds(60), by: .seconds(10))
                #expect(try Self.series(keeper, .queue) == [0, 1])
                #expect(try Self.series(keeper, .running) == [0, 1])
                #expect(try Self.series(keeper, .slots) == [nil, 4])
                #expect(try Self.series(keeper, .requests) == [nil, 120])
                #expect(try Self.series(keeper, .errors) == [nil, 2])
                #expect(try Self.series(keeper, .sentBytes) == [nil, 7000])
                let json = try JSONValue(parsing: keeper.history.json(hours: 1, of: [MirrorWorld.name]))
                #expect(json["backends"]?["fra"]?["running"] == .array([.integer(0), .integer(3)]))
                let key = try #require(try await world.recorded(id).attempt?.key)
                _ = try await world.store.finish(key, TaskEnd(code: .completed), at: world.now)
                await world.parts.refresh(id)
                await world.pass(.seconds(60), by: .seconds(10))
                #expect(try Self.series(keeper, .completedPerMinute) == [nil, 0, 1])
                #expect(try Self.series(keeper, .failedPerMinute) == [nil, 0, 0])
                #expect(try Self.series(keeper, .running) == [0, 1, 0])
                #expect(try Self.series(keeper, .requests) == [nil, 120, 0])
            }
        }
    }

    @Test("a backend that doesn't answer has no slots, and the tasks that it has")
    func offline() async throws {
        try await MirrorWorld.run { world in
            _ = try await world.placed("a")
            world.parts.fleet.change(MirrorWorld.name) { member in
                member.load = BackendLoad(
                    slots: 4, unfinished: 3, maxImages: nil, engine: "odm", engineVersion: "3.6.0", apiVersion: "2.2.4")
                member.loadReadAt = world.clock.monotonic()
                member.failuresInARow = 3
            }
            try await Self.keeping(world) { keeper, _ throws in
                let json = try JSONValue(parsing: keeper.history.json(hours: 1, of: [MirrorWorld.name]))
                #expect(json["backends"]?["fra"]?["running"] == .array([.integer(1)]))
                #expect(json["backends"]?["fra"]?["slots"] == .array([.integer(0)]))
                #expect(try Self.series(keeper, .slots) == [nil])
            }
        }
    }

    @Test("after a machine's sleep the minutes that nobody saw are null, and what came in them is no peak")
    func sleep() async throws {
        try await MirrorWorld.run { world in
            try await Self.keeping(world) { keeper, counters throws in
                await world.pass(.seconds(60), by: .seconds(10))
                counters.add(Traffic(requests: 9000))
                world.clock.advance(by: .seconds(180))
                await world.settle()
                #expect(try Self.series(keeper, .queue) == [0, 0, nil, nil, 0])
                #expect(try Self.series(keeper, .requests) == [nil, 0, nil, nil, nil])
                counters.add(Traffic(requests: 60))
                await world.pass(.seconds(60), by: .seconds(10))
                #expect(try Self.series(keeper, .requests).last == 60)
            }
        }
    }

    @Test("the rate is that of the last minute")
    func rate() async throws {
        try await MirrorWorld.run { world in
            try await Self.keeping(world) { keeper, counters throws in
                #expect(keeper.rate == TrafficRate(Traffic(), in: .seconds(1)))
                counters.add(Traffic(requests: 600, errors: 60, receivedBytes: 1200, sentBytes: 2400))
                await world.pass(.seconds(20), by: .seconds(10))
                #expect(keeper.rate.requests == 30 && keeper.rate.errors == 3)
                #expect(keeper.rate.receivedBytes == 60 && keeper.rate.sentBytes == 120)
                await world.pass(.seconds(120), by: .seconds(10))
                #expect(keeper.rate.requests == 0)
            }
        }
    }
}
