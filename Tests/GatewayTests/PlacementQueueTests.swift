import Model
import NodeODM
import Reactor
import Record
import Scheduling
import TestSupport
import Testing

@testable import Gateway

@Suite("Placement queue", .timeLimit(.minutes(5)))
struct PlacementQueueTests {
    /// What one look at the record leads to: the keys that are read, and the tasks that wait afterwards.
    private struct Desk {
        var queue = PlacementQueue()
        var rows: [String: Record.QueuedTask] = [:]

        mutating func look(at index: [(key: String, revision: Int64)], hiding hidden: Set<String> = []) -> [String] {
            let changed = queue.compare(with: index, hiding: hidden)
            for key in changed { if let row = rows[key] { queue.take(row, as: Self.scheduled(row)) } }
            return changed.sorted()
        }

        static func scheduled(_ row: Record.QueuedTask) -> Scheduling.QueuedTask {
            Scheduling.QueuedTask(
                id: row.id, owner: OwnerID(""), images: row.images, size: row.bytes, requirements: Requirements(),
                queuedSince: row.queuedAt)
        }
    }

    @Test("only what has changed is read again", arguments: ScratchDatabase.all)
    func changes(scratch: ScratchDatabase) async throws {
        try await ControlRoom.with([], on: scratch, nodes: { _ in [] }) { room in
            let store = room.store
            var ids: [TaskID] = []
            for name in ["one", "two", "three"] { ids.append(try await room.commit(name)) }
            try await room.until("they wait") { try await store.queue().allSatisfy(\.isWaiting) }
            var desk = Desk()
            for row in try await store.queue() { desk.rows[row.id.key] = row }
            #expect(try await desk.look(at: store.queueIndex()) == ["one", "three", "two"])
            #expect(try await desk.look(at: store.queueIndex()).isEmpty)
            #expect(desk.queue.tasks.count == 3)
            #expect(desk.queue.unmarked.isEmpty)

            desk.queue.touch(ids[1])
            #expect(try await desk.look(at: store.queueIndex()) == ["two"])
            #expect(try await desk.look(at: store.queueIndex(), hiding: ["three"]).isEmpty)
            #expect(desk.queue.tasks.count == 2)
            #expect(try await desk.look(at: store.queueIndex()) == ["three"])

            _ = try await store.requestCancel(ids[0], for: .everything, at: room.now)
            #expect(try await desk.look(at: store.queueIndex()).isEmpty)
            #expect(desk.queue.tasks.count == 2)
            #expect(desk.queue.tasks[ids[0]] == nil)
            #expect(try await store.queued("one") == nil)

            desk.queue.renew(catalogVersion: 7)
            #expect(try await desk.look(at: store.queueIndex()) == ["three", "two"])
            desk.queue.renew(catalogVersion: 7)
            #expect(try await desk.look(at: store.queueIndex()).isEmpty)
        }
    }

    @Test("one task read by its key is the same as among all", arguments: ScratchDatabase.all)
    func single(scratch: ScratchDatabase) async throws {
        try await ControlRoom.with([], on: scratch, nodes: { [ScriptedBackend("a", slots: 0, clock: $0)] }) { room in
            room.nodes[0].set { $0.slots = 1 }
            room.fleet.change(room.nodes[0].name) { $0.load?.slots = 1 }
            let (id, node) = try await room.completed("again")
            room.fleet.change(node.name) { $0.switches.isLocked = true }
            _ = try await room.store.requestRestart(id, for: .everything, at: room.now)
            try await room.commit("new")
            try await room.until("they wait") { try await room.store.queue().filter(\.isWaiting).count == 2 }
            for row in try await room.store.queue() {
                #expect(try await room.store.queued(row.id.key) == row)
            }
            #expect(try await room.store.queued("again")?.project?.backend == node.name)
        }
    }

    @Test("options are parsed once, and again when the fleet's options change")
    func options() {
        var queue = PlacementQueue()
        let fleet = Fleet([], offlineAfter: 3)
        let text = #"[{"name":"dsm","value":true},{"name":"no-such-option","value":1}]"#
        #expect(queue.names(in: text, fleet) == ["dsm"])
        #expect(queue.names(in: "no json", fleet).isEmpty)
        for number in 0..<3000 { _ = queue.names(in: "[\(number)]", fleet) }
        #expect(queue.names(in: text, fleet) == ["dsm"])
    }
}
