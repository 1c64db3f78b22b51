import Backends
import Model
import NodeODM
import Reactor
import Record
import TestSupport
import Testing

@testable import Gateway

@Suite("Image check", .timeLimit(.minutes(5)))
struct ImageCheckTests {
    struct Case: Sendable {
        var status = StatusCode.running
        var processingTime: Int64 = 0
        var images = 3
        var output: [String]? = ["line"]
        var isCluster = false
        var isDue: Bool
    }

    @Test(
        "it is due once the node has counted",
        arguments: [
            Case(processingTime: -1, isDue: false), Case(isDue: true), Case(status: .queued, isDue: true),
            Case(status: .completed, isDue: true), Case(status: .failed, isDue: true),
            Case(status: .canceled, isDue: false), Case(images: -1, isDue: false),
            Case(output: ["Launching... please wait!"], isCluster: true, isDue: false),
            Case(output: [], isCluster: true, isDue: false), Case(output: nil, isCluster: true, isDue: false),
            Case(isCluster: true, isDue: true), Case(status: .completed, output: [], isCluster: true, isDue: true),
        ])
    func moments(row: Case) {
        let info = TaskInfo(
            uuid: "t", name: "t", dateCreated: Timestamp(milliseconds: 0), processingTime: row.processingTime,
            status: row.status, imagesCount: row.images, output: row.output)
        #expect(ImageCheck.isDue(info, isCluster: row.isCluster) == row.isDue)
    }

    private static let nodes: @Sendable (ManualClock) -> [ScriptedBackend] = {
        [ScriptedBackend("a", clock: $0), ScriptedBackend("b", clock: $0)]
    }

    @Test("a node that counts other images than were sent loses the task: removed there, counted, sent elsewhere")
    func mismatch() async throws {
        try await ControlRoom.with([.mirror], nodes: Self.nodes) { room in
            let id = try await room.commit("t", images: 3)
            try await room.until("it is placed") { try await room.read(id).state == .placed }
            let first = try #require(try await room.attempts(id).first)
            // The scripted nodes count one image, also the next one that gets it.
            try await room.until("it is given back", stepping: .milliseconds(200)) {
                try await room.read(id).failures >= 1
            }
            let node = try #require(room.nodes.first { $0.name == first.backend })
            #expect(node.now.tasks[first.backendTask.string] == nil)
            #expect(try await room.events(id).contains(.imagesDiffer))
            let failure = try #require(try await room.attempts(id).first?.failure)
            #expect(failure.contains("counts 1 images where 3 were sent"))
            try await room.until("another node gets it", stepping: .milliseconds(200)) {
                try await room.attempts(id).dropFirst().first.map { $0.backend != first.backend } ?? false
            }
        }
    }

    /// What a crash, or a lost answer, leaves of a check: the backend was told, and the record wasn't.
    enum Broken: String, CaseIterable { case afterMark, afterRemoval, answerLost }

    @Test(
        "a removal that broke off half-way is no vanished task: on a ClusterODM too it is placed again",
        arguments: Broken.allCases)
    func brokenOff(_ broken: Broken) async throws {
        let cluster: @Sendable (ManualClock) -> [ScriptedBackend] = { clock in
            [ScriptedBackend("a", clock: clock) { $0.isCluster = true }, ScriptedBackend("b", clock: clock)]
        }
        try await ControlRoom.with([.mirror], nodes: cluster) { room in
            let node = room.nodes[0]
            room.fleet.change(room.nodes[1].name) { $0.switches.isLocked = true }
            // Until the mirror is to see it the node counts rightly.
            node.set { $0.script[.status] = [.hang] }
            let id = try await room.commit("t", images: 3)
            try await room.until("it is placed") { try await room.read(id).state == .placed }
            try await room.until("the node is asked") { node.count(.status) == 1 }
            let attempt = try #require(try await room.attempts(id).first)
            switch broken {
            case .afterMark, .afterRemoval:
                #expect(try await room.store.markUnfit(attempt.key, reason: "counts 1 images", at: room.now))
                if broken == .afterRemoval { node.set { $0.tasks = [:] } }
                await room.parts.refresh(id)
            case .answerLost: node.set { $0.script[.remove] = [.loseAnswer] }
            }
            room.fleet.change(room.nodes[1].name) { $0.switches.isLocked = false }
            node.thaw()
            try await room.until("another gets it", stepping: .milliseconds(200)) {
                try await room.attempts(id).dropFirst().first?.backend == room.nodes[1].name
            }
            let first = try #require(try await room.attempts(id).first)
            #expect(first.outcome == .refused && first.isCounted)
            #expect(try await room.events(id).contains(.imagesDiffer))
            #expect(try await !room.events(id).contains(.vanished))
            #expect(node.now.tasks.isEmpty)
        }
    }

    @Test("what an archive holds isn't compared", arguments: ["seed.zip", "zipurl.zip"])
    func archives(name: String) async throws {
        try await ControlRoom.with(nodes: Self.nodes) { room in
            let id = try #require(TaskID("t"))
            _ = try await room.store.create(NewTask(id: id, name: "t", dateCreated: room.now), at: room.now)
            for file in ["a.jpg", "b.jpg", name] {
                _ = try await room.store.addFile(
                    InputFile(name: file, size: 1, digest: file, storageKey: "t/\(file)"), to: id, for: .everything,
                    at: room.now)
            }
            _ = try await room.store.commit(id, for: .everything, at: room.now)
            await room.parts.refresh(id)
            room.parts.placement.wake()
            try await room.until("it is placed") { try await room.read(id).state == .placed }
            let record = try await room.read(id)
            let attempt = try #require(record.attempt)
            let node = try #require(room.nodes.first { $0.name == attempt.backend })
            let info = try await node.status(of: attempt.backendTask, outputFrom: 0)
            #expect(record.images == 2 && info.imagesCount == 1)
            #expect(await !ImageCheck(parts: room.parts).rejects(info, of: record, attempt))
            #expect(node.now.tasks.count == 1)
        }
    }
}
