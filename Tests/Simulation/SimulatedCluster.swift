import Backends
import Model
import NodeODM

/// A cluster that behaves as Argo does: a create of a name that is taken conflicts, objects stay until they are deleted, and
/// nothing is lost with a process.
///
/// Invariant of `@unchecked Sendable`: used on the thread of its world only.
final class SimulatedCluster: SimulatedServer, @unchecked Sendable {
    struct Workflow {
        let task: TaskID
        let images: Int
        var code = StatusCode.queued
        let created: Int64
        var startedAt: Int64?
        var processingTime: Int64 = -1
        var run: Run?
    }

    private var workflows: [String: Workflow] = [:]
    private var order: [String] = []

    override var kind: BackendKind { .argo }
    override var unfinished: Int { workflows.values.count { !$0.code.isFinal } }
    override var unwanted: [(name: String, task: TaskID, isOver: Bool)] {
        workflows.sorted { $0.key < $1.key }.map { ($0.key, $0.value.task, $0.value.code.isFinal) }
    }

    /// - Returns: nil also where the name is taken by the same attempt: who asks takes that for success.
    func create(_ attempt: Attempt, images: Int) -> BackendError.Code? {
        let name = attempt.backendTask.string
        guard workflows[name] == nil else { return nil }
        world.referee.committed(attempt, on: self.name)
        workflows[name] = Workflow(task: attempt.task, images: images, created: world.wallMilliseconds)
        order.append(name)
        serve()
        return nil
    }

    override func status(of name: String, from line: Int?) -> Answer<TaskInfo> {
        guard let workflow = workflows[name] else { return .failure(.unknownTask) }
        var time = workflow.processingTime
        if !workflow.code.isFinal, let begin = workflow.startedAt { time = world.wallMilliseconds - begin }
        let lines = (0...max(0, Int(time / 5000))).map { "line \($0)" }
        return .success(
            TaskInfo(
                uuid: name, name: "", dateCreated: Timestamp(milliseconds: workflow.created), processingTime: time,
                status: workflow.code, imagesCount: workflow.images,
                output: line.map { Array(lines.dropFirst($0)) }))
    }

    /// A workflow that is over stays as it ended.
    override func cancel(_ name: String) -> BackendError.Code? {
        guard let workflow = workflows[name] else { return .unknownTask }
        guard !workflow.code.isFinal else { return nil }
        stop(name)
        workflows[name]?.code = .canceled
        serve()
        return nil
    }

    override func remove(_ name: String) -> BackendError.Code? {
        guard workflows[name] != nil else { return .unknownTask }
        stop(name)
        workflows[name] = nil
        serve()
        return nil
    }

    /// Pods don't come back.
    override func restart(_ name: String) -> BackendError.Code? { .unknownTask }

    private func serve() {
        while let name = order.first, workflows.values.count(where: { $0.code == .running }) < slots {
            order.removeFirst()
            begin(name)
        }
    }

    private func begin(_ name: String) {
        guard let workflow = workflows[name] else { return }
        let run = Run(workflow.task, on: self.name, as: name, at: world.now, isGhost: false)
        workflows[name]?.code = .running
        workflows[name]?.startedAt = world.wallMilliseconds
        workflows[name]?.run = run
        world.referee.began(run)
        let fails = world.dice.chance(world.odds.fails)
        // Pods work on while nobody reaches the API.
        world.after(world.dice.seconds(1, 60)) { [self] in finish(name, run, fails ? .failed : .completed) }
    }

    private func finish(_ name: String, _ run: Run, _ code: StatusCode) {
        guard let workflow = workflows[name], workflow.run === run, workflow.code == .running else { return }
        run.end = .byItself
        workflows[name]?.processingTime = world.wallMilliseconds - (workflow.startedAt ?? 0)
        workflows[name]?.code = code
        world.say { "\(self.name): \(name.prefix(8)) is \(code)" }
        serve()
    }

    private func stop(_ name: String) {
        order.removeAll { $0 == name }
        if workflows[name]?.code == .running { workflows[name]?.run?.end = .stopped }
    }
}
