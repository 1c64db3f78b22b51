import Backends
import Model
import NodeODM

/// The way from one life of the gateway to a backend, and back. What has left arrives also after that life's end.
final class SimulatedLink: Backend {
    let name: BackendName
    let kind: BackendKind
    let server: SimulatedServer
    let world: World
    private let life: Life

    init(_ server: SimulatedServer, _ world: World, _ life: Life) {
        name = BackendName(recorded: server.name)
        kind = server.kind
        self.server = server
        self.world = world
        self.life = life
    }

    func load() async throws(BackendError) -> BackendLoad {
        let server = server
        return try await call("load") {
            .success(
                BackendLoad(
                    slots: server.slots, unfinished: server.unfinished, maxImages: nil, engine: "odm",
                    engineVersion: "3.6.0", apiVersion: "2.2.4"))
        }
    }

    func options() async throws(BackendError) -> OptionCatalog { try await call("options") { .success(.engine360) } }

    func stage(_ attempt: Attempt, _ submission: TaskSubmission) async throws(BackendError) {
        let (server, name) = (server, attempt.backendTask.string)
        try await tell("init") { server.open(name, for: attempt.task) }
        for input in submission.inputs where !world.storage.has(input.storageKey) {
            world.referee.inputIsMissing(input.storageKey)
            throw BackendError(.inputsMissing, backend: self.name, "\(input.name) is gone")
        }
        let images = submission.inputs.count
        try await tell("upload") { server.upload(images, to: name) }
    }

    func commit(_ attempt: Attempt) async throws(BackendError) -> BackendTaskID {
        let server = server
        world.referee.commitLeaves(attempt)
        try await tell("commit") { server.commit(attempt) }
        return attempt.backendTask
    }

    func discard(_ attempt: Attempt) async throws(BackendError) -> DiscardOutcome {
        let server = server
        return try await call("discard") { server.discard(attempt) }
    }

    func status(of task: BackendTaskID, outputFrom line: Int?) async throws(BackendError) -> TaskInfo {
        let server = server
        return try await call("status") { server.status(of: task.string, from: line) }
    }

    func cancel(_ task: BackendTaskID) async throws(BackendError) {
        let server = server
        try await tell("cancel") { server.cancel(task.string) }
    }

    func remove(_ task: BackendTaskID) async throws(BackendError) {
        let server = server
        try await tell("remove") { server.remove(task.string) }
    }

    func restart(_ task: BackendTaskID, options: [TaskOption]?) async throws(BackendError) {
        let server = server
        try await tell("restart") { server.restart(task.string) }
    }

    func download(of task: BackendTaskID, asset: String) -> DownloadSource? { nil }

    // MARK: The way

    private func tell(
        _ what: String, _ effect: @escaping () -> BackendError.Code?
    ) async throws(BackendError) {
        let _: Bool = try await call(what) { effect().map { .failure($0) } ?? .success(true) }
    }

    func call<Value: Sendable>(
        _ what: String, latest: Double = 9, _ effect: @escaping () -> Answer<Value>
    ) async throws(BackendError) -> Value {
        guard !life.isDead, !Task.isCancelled else { throw error(.cancelled, what) }
        world.mix(what)
        let waiter = Waiter<Answer<Value>>()
        send(what, latest, effect, waiter)
        let outcome = await withTaskCancellationHandler {
            await waiter.wait()
        } onCancel: {
            waiter.resolve(.failure(.cancelled))
        }
        if life.isDead { throw error(.cancelled, what) }
        switch outcome {
        case .success(let value): return value
        case .failure(let code): throw error(code, what)
        }
    }

    private func error(_ code: BackendError.Code, _ what: String) -> BackendError {
        BackendError(code, backend: name, "\(what): \(code.rawValue)")
    }

    private func send<Value: Sendable>(
        _ what: String, _ latest: Double, _ effect: @escaping () -> Answer<Value>,
        _ waiter: Waiter<Answer<Value>>
    ) {
        let (world, dice, odds) = (world, world.dice, world.odds)
        func fail(_ code: BackendError.Code, after pause: Duration) {
            world.say { "\(self.name) \(what): \(code.rawValue)" }
            _ = world.after(pause) { waiter.resolve(.failure(code)) }
        }
        if server.isDown { return fail(.notSent, after: .milliseconds(1)) }
        if server.isCut { return fail(.notSent, after: .seconds(5)) }
        if dice.chance(odds.notSent) { return fail(.notSent, after: dice.seconds(0, 1)) }
        if dice.chance(odds.busy) { return fail(.busy, after: dice.seconds(0, 0.1)) }
        if dice.chance(odds.lostBefore) { return fail(.outcomeUnknown, after: dice.seconds(0, 3)) }
        let travel = dice.chance(odds.late) ? dice.seconds(0.5, latest) : dice.seconds(0.001, 0.05)
        let isLost = dice.chance(odds.lostAfter)
        let back = dice.seconds(0.001, 0.05)
        let limit = world.after(world.rules.callLimit) { waiter.resolve(.failure(.outcomeUnknown)) }
        _ = world.after(travel) { [server] in
            server.receive {
                let outcome = effect()
                if what != "load", what != "status" { world.say { "\(server.name) \(what)" } }
                if isLost { world.say { "\(server.name) \(what): answer lost" } }
                _ = world.after(back) {
                    limit.callOff()
                    waiter.resolve(isLost || server.isCut ? .failure(.outcomeUnknown) : outcome)
                }
            } lost: {
                limit.callOff()
                waiter.resolve(.failure(.outcomeUnknown))
            }
        }
    }
}
