import Backends
import Model
import NodeODM

/// A node that behaves as NodeODM does: upload areas, a queue, runs, and a list of tasks that is saved now and then.
///
/// What is called here happens at once: the way there and back is `SimulatedLink`'s.
///
/// Invariant of `@unchecked Sendable`: used on the thread of its world only.
final class SimulatedNode: SimulatedServer, @unchecked Sendable {
    /// A task as the node has it.
    struct Copy {
        let task: TaskID
        var code = StatusCode.queued
        var images: Int
        var isSpoiled = false
        var created: Int64
        var startedAt: Int64?
        var processingTime: Int64 = -1
        /// Tells a run's end from one that was planned for an earlier run.
        var run: Run?
    }

    struct Area {
        let task: TaskID
        var images: Int?
        /// Opened by a request that came after everything had been taken back: the node itself deletes it after two days.
        var isLate = false
    }

    let dumpsAlways: Bool
    private(set) var areas: [String: Area] = [:]
    private(set) var copies: [String: Copy] = [:]
    private var discarded: Set<String> = []
    private var order: [String] = []
    private var dump: [String: Copy] = [:]

    init(_ name: String, slots: Int, dumpsAlways: Bool, _ world: World) {
        self.dumpsAlways = dumpsAlways
        super.init(name, slots: slots, world)
        if !dumpsAlways { saveRegularly() }
    }

    // MARK: The API

    override var unfinished: Int { copies.values.count { !$0.code.isFinal } }
    override var openAreas: [String] { areas.filter { !$0.value.isLate }.keys.sorted() }
    override var unwanted: [(name: String, task: TaskID, isOver: Bool)] {
        copies.sorted { $0.key < $1.key }.filter { $0.value.run?.isGhost != true }
            .map { ($0.key, $0.value.task, $0.value.code.isFinal) }
    }

    override func open(_ name: String, for task: TaskID) -> BackendError.Code? {
        guard copies[name] == nil else { return .identityRefused }
        guard areas[name] == nil else { return .refused }
        areas[name] = Area(task: task, isLate: discarded.contains(name))
        world.say { "\(self.name): area \(name.prefix(8)) of \(task.string.prefix(8))" }
        return nil
    }

    override func upload(_ images: Int, to name: String) -> BackendError.Code? {
        guard areas[name] != nil else { return .uploadLost }
        areas[name]?.images = images
        return nil
    }

    override func commit(_ attempt: Attempt) -> BackendError.Code? {
        let name = attempt.backendTask.string
        guard let area = areas.removeValue(forKey: name), let images = area.images else { return .uploadLost }
        world.referee.committed(attempt, on: self.name)
        var copy = Copy(task: area.task, images: images, created: world.wallMilliseconds)
        if world.dice.chance(world.odds.wrongImages) { (copy.images, copy.isSpoiled) = (images - 1, true) }
        copies[name] = copy
        order.append(name)
        serve()
        return nil
    }

    override func discard(_ attempt: Attempt) -> Answer<DiscardOutcome> {
        let name = attempt.backendTask.string
        if copies[name] != nil { return .success(.wasAccepted) }
        areas[name] = nil
        discarded.insert(name)
        return .success(.discarded)
    }

    override func status(of name: String, from line: Int?) -> Answer<TaskInfo> {
        guard let copy = copies[name] else { return .failure(.unknownTask) }
        var time = copy.processingTime
        if !copy.code.isFinal, let begin = copy.startedAt { time = world.wallMilliseconds - begin }
        let lines = (0...max(0, Int(time / 5000))).map { "line \($0)" }
        return .success(
            TaskInfo(
                uuid: name, name: "", dateCreated: Timestamp(milliseconds: copy.created), processingTime: time,
                status: copy.code, errorMessage: copy.code == .failed ? "the engine failed" : nil,
                imagesCount: copy.images, progress: copy.code == .completed ? 100 : 50,
                output: line.map { Array(lines.dropFirst($0)) }))
    }

    override func cancel(_ name: String) -> BackendError.Code? {
        guard copies[name] != nil else { return .unknownTask }
        stop(name)
        copies[name]?.code = .canceled
        copies[name]?.processingTime = -1
        serve()
        return nil
    }

    override func remove(_ name: String) -> BackendError.Code? {
        guard copies[name] != nil else { return .unknownTask }
        stop(name)
        forget(name)
        serve()
        return nil
    }

    override func restart(_ name: String) -> BackendError.Code? {
        guard let copy = copies[name] else { return .unknownTask }
        guard copy.code.isFinal else { return .refused }
        copies[name]?.code = .queued
        copies[name]?.created = world.wallMilliseconds
        copies[name]?.startedAt = nil
        copies[name]?.processingTime = -1
        order.append(name)
        serve()
        return nil
    }

    // MARK: Runs

    private func serve() {
        guard !isDown else { return }
        while let name = order.first(where: { copies[$0]?.code == .queued }),
            copies.values.count(where: { $0.code == .running }) < slots
        {
            order.removeAll { $0 == name }
            begin(name, isGhost: false)
        }
    }

    private func begin(_ name: String, isGhost: Bool) {
        guard let copy = copies[name] else { return }
        let run = Run(copy.task, on: self.name, as: name, at: world.now, isGhost: isGhost)
        run.isSpoiled = copy.isSpoiled
        copies[name]?.code = .running
        copies[name]?.startedAt = world.wallMilliseconds
        copies[name]?.run = run
        world.referee.began(run)
        let fails = world.dice.chance(world.odds.fails)
        _ = world.after(world.dice.seconds(1, 60)) { [self] in
            receive { [self] in
                finish(name, run, fails ? .failed : .completed)
            } lost: {
            }
        }
    }

    private func finish(_ name: String, _ run: Run, _ code: StatusCode) {
        guard let copy = copies[name], copy.run === run, copy.code == .running else { return }
        run.end = .byItself
        copies[name]?.processingTime = world.wallMilliseconds - (copy.startedAt ?? 0)
        copies[name]?.code = code
        world.say { "\(self.name): \(name.prefix(8)) is \(code)" }
        serve()
    }

    private func stop(_ name: String) {
        order.removeAll { $0 == name }
        guard let run = copies[name]?.run, copies[name]?.code == .running else { return }
        run.end = .stopped
    }

    private func forget(_ name: String) {
        copies[name] = nil
        dump[name] = nil
        order.removeAll { $0 == name }
    }

    // MARK: Its life

    private func saveRegularly() {
        _ = world.after(world.dice.seconds(20, 200)) { [self] in
            if !isDown, !isFrozen { dump = copies }
            if !world.isCalm { saveRegularly() }
        }
    }

    override func crash() {
        super.crash()
        for name in copies.keys.sorted() {
            guard let copy = copies[name], copy.code == .running else { continue }
            copy.run?.end = .died
        }
        if world.dice.chance(0.5) { areas = [:] }
    }

    override func start() {
        super.start()
        let before = copies
        if !dumpsAlways { copies = dump }
        order = []
        for (name, copy) in before.sorted(by: { $0.key < $1.key }) where copies[name] == nil {
            copy.run?.isForgotten = true
        }
        for name in copies.keys.sorted() {
            guard let copy = copies[name], !copy.code.isFinal else { continue }
            copies[name]?.code = .queued
            let isOver = before[name].map { $0.code.isFinal || $0.run?.isGhost == true } ?? true
            // What the old list has as running is run again, whatever became of it.
            if isOver { begin(name, isGhost: true) } else { order.append(name) }
        }
        serve()
    }
}
