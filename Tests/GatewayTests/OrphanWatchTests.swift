import Backends
import Model
import NodeODM
import Reactor
import Record
import TestSupport
import Testing

@testable import Gateway

@Suite("Runs that no record knows", .timeLimit(.minutes(5)))
struct OrphanWatchTests {
    private static let one: @Sendable (ManualClock) -> [ScriptedBackend] = { [ScriptedBackend("a", clock: $0)] }

    /// Runs the watch until a backend was asked for all that is marked so often.
    private static func look(_ room: ControlRoom, times: Int) async throws {
        let watch = OrphanWatch(parts: room.parts)
        let running = Task { try? await watch.run() }
        try await room.until("it has looked", stepping: .seconds(1)) { room.nodes[0].count(.marked) >= times }
        try await room.pass(.seconds(1))
        running.cancel()
        await running.value
    }

    private static func mark(_ name: String, _ room: ControlRoom, age: Duration) {
        let created = Timestamp(milliseconds: room.now.milliseconds - age.components.seconds * 1000)
        room.nodes[0].set { $0.marked.append(MarkedRun(name: BackendTaskID(name), createdAt: created)) }
    }

    private static var collecting: ControlRoom.Settings {
        var settings = ControlRoom.Settings()
        settings.collectsOrphans = true
        return settings
    }

    @Test("are removed once they are older than an hour, where that is wanted; what a task or a clean-up knows never")
    func removed() async throws {
        try await ControlRoom.with([], Self.collecting, nodes: Self.one) { room in
            let (known, _) = try await room.completed("known")
            let name = try await room.name(known)
            try await room.record.cleanups.add(
                .remove, of: BackendTaskID("leaving"), on: room.nodes[0].name, task: known, at: room.now)
            for run in [name, "leaving", "old"] { Self.mark(run, room, age: .seconds(7200)) }
            Self.mark("young", room, age: .seconds(1800))
            room.nodes[0].set { $0.marked.append(MarkedRun(name: BackendTaskID("undated"), createdAt: nil)) }
            try await Self.look(room, times: 1)
            #expect(room.nodes[0].now.calls.filter { $0.hasPrefix("remove") } == ["remove old"])
            let left = room.fleet.member(room.nodes[0].name)?.orphans.map(\.string)
            #expect(left == ["young", "undated"], "newest first")
        }
    }

    @Test("are only told of where it isn't wanted")
    func told() async throws {
        try await ControlRoom.with(nodes: Self.one) { room in
            Self.mark("old", room, age: .seconds(7200))
            Self.mark("older", room, age: .seconds(9000))
            try await Self.look(room, times: 1)
            #expect(!room.nodes[0].now.calls.contains { $0.hasPrefix("remove") })
            let shown = BackendsResource(fleet: room.fleet, mirror: room.parts.mirror, clock: room.clock)
            let orphans = try JSONValue(parsing: shown.json).array?.first?["orphans"]
            #expect(orphans?["count"]?.integer == 2)
            #expect(orphans?["newest"]?.array?.compactMap(\.text) == ["old", "older"])
            // Somebody deleted one by hand.
            room.nodes[0].set { $0.marked.removeFirst() }
            try await Self.look(room, times: 2)
            #expect(room.fleet.member(room.nodes[0].name)?.orphans.map(\.string) == ["older"])
        }
    }

    @Test("are left alone while the record can't be asked")
    func away() async throws {
        try await ControlRoom.with([], Self.collecting, nodes: Self.one) { room in
            Self.mark("old", room, age: .seconds(7200))
            room.database.isAway = true
            try await Self.look(room, times: 3)
            #expect(!room.nodes[0].now.calls.contains { $0.hasPrefix("remove") })
            room.database.isAway = false
            try await Self.look(room, times: 4)
            #expect(room.nodes[0].now.calls.contains("remove old"))
        }
    }
}
