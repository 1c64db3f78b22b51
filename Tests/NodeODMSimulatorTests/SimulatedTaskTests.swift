import Model
import NodeODM
import Testing

@testable import NodeODMSimulator

@Suite("The simulated node's tasks (contract 3.1)")
struct SimulatedTaskTests {
    private func task(_ uuid: String = "u") -> SimulatedTask {
        SimulatedTask(uuid: uuid, name: "n", dateCreated: 5, options: [], imagesCount: 3)
    }

    @Test("a task is 20 while it is initialised, then 10, 20, 40, with processingTime −1 before the start")
    func life() {
        var task = task()
        #expect(task.info(at: 10).status == .running && task.info(at: 10).processingTime == -1)
        #expect(!task.isProcessing)
        task.initialised(images: 2)
        #expect(task.info(at: 10).status == .queued && task.info(at: 10).imagesCount == 2)
        task.start(at: 100)
        #expect(task.isProcessing && task.info(at: 150).processingTime == 50)
        task.advance(progress: 45, lines: ["a"])
        task.advance(progress: 40, lines: ["b"])
        #expect(task.progress == 45 && task.output == ["a", "b"])
        task.complete(at: 200)
        #expect(task.info(at: 999).status == .completed && task.info(at: 999).processingTime == 100)
        #expect(task.progress == 100)
    }

    @Test("a failure shows its message and progress 100, a failed initialisation too")
    func failures() {
        var failed = task()
        failed.initialised(images: 3)
        failed.start(at: 0)
        failed.fail("broken", at: 9)
        #expect(failed.info(at: 10).errorMessage == "broken" && failed.progress == 100)
        var early = task()
        early.initialisationFailed("too many")
        #expect(early.status == .failed && early.errorMessage == "too many" && early.progress == 100)
    }

    @Test("any state becomes 50 by a cancel, and 30, 40, 50 become 10 by a restart, other states don't")
    func cancelAndRestart() {
        var task = task()
        var canRestart = task.restart(options: nil, at: 7)
        #expect(!canRestart)
        task.initialised(images: 3)
        canRestart = task.restart(options: nil, at: 7)
        #expect(!canRestart)
        task.start(at: 0)
        canRestart = task.restart(options: nil, at: 7)
        #expect(!canRestart)
        task.complete(at: 1)
        task.cancel()
        #expect(task.status == .canceled && task.info(at: 5).processingTime == -1)
        let options = [TaskOption(name: "dsm", value: .bool(true))]
        canRestart = task.restart(options: options, at: 7)
        #expect(canRestart)
        #expect(task.isQueued && task.dateCreated == 7 && task.output.isEmpty && task.options == options)
        #expect(task.info(at: 9).progress == 0 && task.info(at: 9).processingTime == -1)
    }

    @Test("a task that was cancelled while being initialised stays 50, and is 20 again after a restart")
    func cancelWhileInitialising() {
        var task = task()
        task.cancel()
        var restarted = task
        task.initialised(images: 3)
        #expect(task.status == .canceled)
        let canRestart = restarted.restart(options: nil, at: 7)
        #expect(canRestart && restarted.status == .running && restarted.isInitialising)
    }

    @Test("slots go to the oldest queued tasks, and initialising ones take none")
    func slots() {
        var table = TaskTable()
        for uuid in ["a", "b", "c"] { table.add(task(uuid)) }
        #expect(table.nextToStart(slots: 5) == nil && table.queueCount == 3)
        for uuid in ["c", "b"] { _ = table.change(uuid) { $0.initialised(images: 1) } }
        #expect(table.nextToStart(slots: 1) == "b")
        _ = table.change("b") { $0.start(at: 0) }
        #expect(table.nextToStart(slots: 1) == nil && table.nextToStart(slots: 2) == "c")
        table.remove("b")
        #expect(table.order == ["a", "c"] && table["b"] == nil && table.queueCount == 2)
    }

    @Test("after a restart of the node 20 is 10, and output and processing time are lost")
    func dump() throws {
        var running = task("3f8ab9a0-0000-4000-8000-000000000001")
        running.initialised(images: 3)
        running.start(at: 0)
        running.advance(progress: 50, lines: ["a"])
        running.webhook = "http://node1.example.org/hook"
        running.outputs = ["odm_dem"]
        var failed = task("f")
        failed.name = nil
        failed.initialisationFailed("broken")
        let read = TaskDump.tasks(from: TaskDump.text(of: [running, failed]))
        #expect(read.map(\.uuid) == [running.uuid, "f"] && read.map(\.status) == [.queued, .failed])
        let first = try #require(read.first)
        #expect(first.output.isEmpty && first.info(at: 9).processingTime == -1 && first.progress == 0)
        #expect(first.webhook == running.webhook && first.outputs == ["odm_dem"] && first.imagesCount == 3)
        #expect(read.last?.errorMessage == "broken" && read.last?.name == nil)
        #expect(TaskDump.tasks(from: Array("[{]".utf8)).isEmpty)
        #expect(TaskDump.tasks(from: Array(#"[{"uuid":"../x","status":10},5]"#.utf8)).isEmpty)
    }

    @Test("a held run stays before its end, and a run of no time is done at once")
    func share() {
        #expect(EngineRun.share(elapsed: 500, seconds: 1, isHeld: false) == 0.5)
        #expect(EngineRun.share(elapsed: 5000, seconds: 1, isHeld: false) == 1)
        #expect(EngineRun.share(elapsed: 5000, seconds: 1, isHeld: true) == 0.8)
        #expect(EngineRun.share(elapsed: 0, seconds: 0, isHeld: false) == 1)
    }
}
