import Model
import NodeODM
import Reactor
import Record
import TestSupport
import Testing

@testable import Gateway

@Suite("Events: what has changed")
struct LiveChangesTests {
    private static func id(_ name: String) throws -> TaskID { try #require(TaskID(name)) }

    @Test("nothing is kept while nobody follows, and nothing of before when somebody begins to")
    func unfollowed() throws {
        let changes = LiveChanges()
        changes.note(try Self.id("a"))
        changes.follow(true)
        #expect(changes.take(tasks: 10) == .init())
        changes.note(BackendName(recorded: "n"))
        changes.follow(false)
        changes.follow(true)
        #expect(changes.take(tasks: 10) == .init())
    }

    @Test("many changes of one item are one, with the highest revision")
    func coalescing() throws {
        let changes = LiveChanges()
        changes.follow(true)
        for revision in [3, 7, 0, 5] as [Int64] { changes.note(try Self.id("a"), revision: revision) }
        for _ in 0..<100 { changes.note(BackendName(recorded: "n")) }
        let due = changes.take(tasks: 10)
        #expect(due.tasks == [.init(id: try Self.id("a"), revision: 7)])
        #expect(due.backends == [BackendName(recorded: "n")])
        #expect(changes.take(tasks: 10) == .init(), "each is told once")
    }

    @Test("what is over the limit of one telling comes first in the next")
    func rest() throws {
        let changes = LiveChanges()
        changes.follow(true)
        for name in ["a", "b", "c"] { changes.note(try Self.id(name)) }
        #expect(changes.take(tasks: 2).tasks.map(\.id.string) == ["a", "b"])
        changes.note(try Self.id("a"))
        #expect(changes.take(tasks: 2).tasks.map(\.id.string) == ["c", "a"])
    }

    @Test("more tasks than may wait are told as: anything may have changed")
    func overflow() throws {
        let changes = LiveChanges(taskLimit: 3)
        changes.follow(true)
        for name in ["a", "b", "c", "d", "e"] { changes.note(try Self.id(name)) }
        let due = changes.take(tasks: 10)
        #expect(due.isMissed && due.tasks.count <= 3)
    }
}

@Suite("Events: what waits for one client", .timeLimit(.minutes(2)))
struct EventQueueTests {
    @Test("frames come in order, and after a drain there are no more")
    func order() async {
        let queue = EventQueue(byteLimit: 100)
        for byte in 1...50 as ClosedRange<UInt8> { #expect(queue.offer([byte])) }
        for byte in 1...40 as ClosedRange<UInt8> { #expect(await queue.next() == [byte]) }
        queue.finish(.drained)
        #expect(await queue.next() == nil)
        #expect(!queue.offer([1]) && queue.end == .drained)
    }

    @Test("a reader that is too far behind is cut, and nothing is kept for him")
    func tooSlow() async {
        let queue = EventQueue(byteLimit: 10)
        #expect(queue.offer([1, 2, 3, 4]) && queue.offer([5, 6, 7, 8]))
        #expect(!queue.offer([9, 10, 11]))
        #expect(queue.end == .tooSlow)
        #expect(await queue.next() == nil)
        queue.finish(.drained)
        #expect(queue.end == .tooSlow, "how it ended first is how it ended")
    }

    @Test("what was sent makes room, also for a reader that is never quite up to date")
    func room() async {
        let queue = EventQueue(byteLimit: 10)
        #expect(queue.offer([0, 0, 0, 0]))
        for _ in 0..<1000 {
            #expect(queue.offer([1, 2, 3, 4]))
            #expect(await queue.next()?.count == 4)
        }
    }
}

@Suite("Events: telling", .timeLimit(.minutes(2)))
struct EventStreamTests {
    /// One event as a client reads it.
    struct Event: Equatable {
        var id: Int
        var name: String
        var data: JSONValue

        init?(_ frame: [UInt8]) throws {
            let lines = String(decoding: frame, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            guard lines.count == 5, lines[3...] == ["", ""] else { return nil }
            id = try #require(Int(lines[0].dropFirst(4)))
            name = String(lines[1].dropFirst(7))
            data = try JSONValue(parsing: String(lines[2].dropFirst(6)))
        }
    }

    /// A client that reads when the test says so.
    final class Client {
        let queue: EventQueue

        init(_ queue: EventQueue) { self.queue = queue }

        /// All that waits for it of some events, comments left out; the gateway comes as time goes, so only who asks gets it.
        func read(_ names: Set<String> = ["hello", "task", "queue", "backend", "backend-gone"]) async throws -> [Event]
        {
            // The end mark comes behind whatever waits.
            let mark = Array("mark".utf8)
            guard queue.offer(mark) else { return [] }
            var events: [Event] = []
            while let frame = await queue.next(), frame != mark {
                if let event = try Event(frame), names.contains(event.name) { events.append(event) }
            }
            return events
        }
    }

    static func stream(_ world: MirrorWorld, samples: AsyncStream<History.Sample>? = nil) -> EventStream {
        let tasks = TasksResource(
            store: world.store, events: world.record.events, mirror: world.mirror, fleet: world.parts.fleet,
            clock: world.clock, waitingReason: { _ in nil })
        return EventStream(
            .init(
                tasks: tasks, fleet: world.parts.fleet, mirror: world.mirror, clock: world.clock,
                gateway: { Array(#"{"version":"1"}"#.utf8) }, samples: samples ?? AsyncStream { $0.finish() }),
            changes: world.parts.changes)
    }

    /// A running stream, with the follower of the record that tells it of transitions.
    private static func streaming(
        samples: AsyncStream<History.Sample>? = nil,
        _ body: @escaping @Sendable (MirrorWorld, EventStream) async throws -> Void
    ) async throws {
        try await MirrorWorld.run { world in
            let stream = stream(world, samples: samples)
            let follower = RecordFollower(parts: world.parts)
            let services = [
                Task(executorPreference: world.loop) { try await follower.run() },
                Task(executorPreference: world.loop) { try await stream.run() },
            ]
            await world.settle()
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await body(world, stream)) } catch { outcome = .failure(error) }
            for service in services {
                service.cancel()
                try? await service.value
            }
            try outcome.get()
        }
    }

    private static let ofBackends: Set = ["backend", "backend-gone"]

    private static func join(_ stream: EventStream) throws -> Client {
        guard case .joined(let queue) = stream.join() else {
            Issue.record("no place")
            throw NotReached()
        }
        return Client(queue)
    }

    @Test("a client is greeted with what there is, and then told of each change; ids only grow")
    func greeting() async throws {
        try await Self.streaming { world, stream throws in
            let client = try Self.join(stream)
            let hello = try await client.read()
            #expect(hello.map(\.name) == ["hello"])
            #expect(hello[0].data["gateway"]?["version"]?.text == "1" && hello[0].data["backends"]?.integer == 1)
            #expect(hello[0].data["queue"]?["waiting"]?.integer == 0)
            let id = try await world.queued("a")
            await world.pass(.milliseconds(200))
            let events = try await client.read()
            #expect(events.map(\.name) == ["task", "queue"])
            #expect(events[0].data["uuid"]?.text == id.string && events[0].data["state"]?.text == "queued")
            #expect(events[1].data["waiting"]?.integer == 1)
            #expect(events.map(\.id) == [2, 3])
        }
    }

    @Test("an item that changes all the time is told once a second, as it then is")
    func coalescing() async throws {
        try await Self.streaming { world, stream throws in
            let id = try await world.placed("a")
            let client = try Self.join(stream)
            _ = try await client.read()
            for percent in 1...100 {
                world.mirror.change(id) { $0.record.progress = Double(percent) }
                await world.pass(.milliseconds(50), by: .milliseconds(50))
            }
            await world.pass(.seconds(1))
            let told = try await client.read().filter { $0.name == "task" }.compactMap { $0.data["progress"]?.number }
            #expect(told.count >= 5 && told.count <= 6, "in five seconds: \(told)")
            #expect(told == told.sorted() && told.last == 100)
        }
    }

    @Test("a task that another program changes is told from the record, and one that is removed as removed")
    func foreign() async throws {
        try await Self.streaming { world, stream throws in
            let (one, two) = (try await world.placed("a"), try await world.placed("b"))
            let client = try Self.join(stream)
            _ = try await client.read()
            let key = try #require(try await world.recorded(one).attempt?.key)
            _ = try await world.store.finish(key, TaskEnd(code: .completed), at: world.now)
            _ = try await world.store.requestRemove(two, for: .everything, at: world.now)
            await world.settle()
            await world.pass(.milliseconds(100))
            let tasks = try await client.read().filter { $0.name == "task" }.map(\.data)
            #expect(tasks.map { $0["state"]?.text } == ["completed", "removed"])
            #expect(tasks.map { $0["uuid"]?.text } == ["a", "b"])
        }
    }

    @Test("a backend is told of when its state changes, not when it was only read again, and when it goes")
    func backends() async throws {
        try await Self.streaming { world, stream throws in
            let client = try Self.join(stream)
            _ = try await client.read()
            world.parts.fleet.change(MirrorWorld.name) { $0.switches.isLocked = true }
            await world.pass(.seconds(1))
            let locked = try await client.read(Self.ofBackends)
            #expect(locked.map(\.name) == ["backend"] && locked[0].data["locked"]?.bool == true)
            world.parts.fleet.change(MirrorWorld.name) { $0.latency = .seconds(3) }
            await world.pass(.seconds(2))
            #expect(try await client.read(Self.ofBackends) == [])
            // There and back within a second: a client may have read what was between.
            world.parts.fleet.change(MirrorWorld.name) { $0.switches.isLocked = false }
            world.parts.fleet.change(MirrorWorld.name) { $0.switches.isLocked = true }
            await world.pass(.seconds(1))
            #expect(try await client.read(Self.ofBackends).map(\.name) == ["backend"])
            world.parts.fleet.assemble([])
            await world.pass(.seconds(1))
            let gone = try await client.read(Self.ofBackends)
            #expect(gone.map(\.name) == ["backend-gone"] && gone[0].data["name"]?.text == "fra")
        }
    }

    @Test("where changes may have been missed, clients are told to read all anew")
    func missed() async throws {
        try await Self.streaming { world, stream throws in
            let client = try Self.join(stream)
            _ = try await client.read()
            world.parts.changes.noteMissed()
            await world.settle()
            await world.pass(.milliseconds(100))
            #expect(try await client.read(["hello"]).map(\.name) == ["hello"])
            // What can't be read now can't be told of.
            let id = try await world.queued("a")
            await world.pass(.seconds(2))
            _ = try await client.read()
            _ = try await world.store.requestCancel(id, for: .everything, at: world.now)
            await world.settle()
            world.database.isAway = true
            await world.pass(.seconds(2))
            #expect(try await client.read(["hello"]).count >= 1)
            world.database.isAway = false
        }
    }

    @Test("the gateway is told of every five seconds, a sample when it is taken, and a comment comes every fifteen")
    func regular() async throws {
        let (samples, source) = AsyncStream.makeStream(of: History.Sample.self)
        try await Self.streaming(samples: samples) { world, stream throws in
            let client = try Self.join(stream)
            _ = try await client.read()
            source.yield(History.Sample(at: world.now, figures: [.queue: 4]))
            await world.settle()
            let sample = try await client.read(["history"])
            #expect(sample.map(\.name) == ["history"] && sample[0].data["series"]?["queue"]?.integer == 4)
            await world.pass(.seconds(14), by: .seconds(1))
            #expect(try await client.read(["gateway"]).count == 2)
            await world.pass(.seconds(1), by: .seconds(1))
            var frames: [String] = []
            client.queue.offer(Array("mark".utf8))
            while let frame = await client.queue.next(), frame != Array("mark".utf8) {
                frames.append(String(decoding: frame, as: UTF8.self))
            }
            #expect(frames.contains(":\n\n"))
        }
    }

    @Test("a slow reader loses his place, and the others are told on")
    func slowReader() async throws {
        try await Self.streaming { world, stream throws in
            let (slow, quick) = (try Self.join(stream), try Self.join(stream))
            // A long reason makes a long event, so that few of them fill a queue.
            let reason = String(repeating: "x", count: 200_000)
            for turn in 0..<12 {
                world.parts.fleet.change(MirrorWorld.name) { $0.lastError = "\(turn) \(reason)" }
                await world.pass(.seconds(1))
                #expect(!(try await quick.read()).isEmpty)
            }
            #expect(slow.queue.end == .tooSlow && quick.queue.end == nil)
            #expect(await slow.queue.next() == nil)
            stream.leave(slow.queue)
            #expect(stream.clientCount == 1)
        }
    }

    @Test("there are so many places and no more; one that is left can be taken, and nothing is noted without clients")
    func places() async throws {
        try await Self.streaming { world, stream throws in
            let clients = try (0..<EventStream.clientLimit).map { _ in try Self.join(stream) }
            guard case .full = stream.join() else { throw NotReached() }
            stream.leave(clients[0].queue)
            _ = try Self.join(stream)
            for client in clients { stream.leave(client.queue) }
            #expect(stream.clientCount == 1 && world.parts.changes.isFollowed)
        }
        try await Self.streaming { world, stream throws in
            let client = try Self.join(stream)
            stream.leave(client.queue)
            #expect(!world.parts.changes.isFollowed)
        }
    }

    @Test("a drain ends every client's answer at once, and nobody is taken any more")
    func drain() async throws {
        try await Self.streaming { _, stream throws in
            let client = try Self.join(stream)
            stream.end()
            #expect(await client.queue.next() == nil)
            #expect(client.queue.end == .drained)
            guard case .ended = stream.join() else { throw NotReached() }
        }
    }
}
