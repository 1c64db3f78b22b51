import Model
import NodeODM
import Reactor
import Record

@testable import Gateway

/// One task's owner: sends it, looks at it, and sometimes cancels, restarts or removes it. He asks again until he is answered.
///
/// Invariant of `@unchecked Sendable`: used on the thread of its world only.
final class Client: @unchecked Sendable {
    let id: TaskID
    private let world: World
    private let images: Int

    /// Whether a commit was answered: from then on nothing may lose the task.
    private(set) var isCommitted = false
    /// Whether it shall show 50: a cancel was answered, and no restart asked for since.
    private(set) var isCanceled = false
    /// Whether a cancel is asked for: a final state may change into 50.
    private(set) var isCanceling = false
    /// Whether a restart may have begun.
    private(set) var isRestarting = false
    /// Whether a removal may have begun.
    private(set) var isRemoving = false
    private(set) var isDone = false

    init(_ id: TaskID, _ world: World) {
        self.id = id
        self.world = world
        images = 2 + world.dice.pick(3)
    }

    func live() async {
        let dice = world.dice
        await world.pause(dice.seconds(0, 60))
        await submit()
        for _ in 0..<dice.pick(4) {
            await look(for: dice.seconds(0, 90))
            if world.isCalm { break }
            switch dice.pick(10) {
            case ..<4: await cancel()
            case ..<8: await restart()
            case 8: await remove()
            default: break
            }
            if isRemoving { break }
        }
        if !isRemoving { await look(for: .seconds(3600)) }
        isDone = true
    }

    // MARK: What he does

    private func submit() async {
        await untilAnswered("commit") { [self] life, face in
            let now = face.parts.clock.timestamp
            _ = try await face.store.create(NewTask(id: id, name: "simulated", dateCreated: now), at: now)
            for number in 0..<images {
                let file = InputFile(
                    name: "\(number).jpg", size: 10, digest: "d\(number)", storageKey: "\(id.key)/input/\(number)")
                world.storage.put(file.storageKey)
                _ = try await face.store.addFile(file, to: id, for: .everything, at: now)
            }
            _ = try await face.commit.commit(id, for: .everybody)
        }
        isCommitted = true
    }

    private func cancel() async {
        isCanceling = true
        await untilAnswered("cancel") { [self] life, face in
            let outcome = try await face.store.requestCancel(id, for: .everything, at: face.parts.clock.timestamp)
            if outcome == .unknown { return world.missing(self, "a cancel") }
            try await life.carryOut(id, on: face)
        }
        isCanceled = true
    }

    private func restart() async {
        (isRestarting, isCanceled) = (true, false)
        await untilAnswered("restart") { [self] life, face in
            let outcome = try await face.store.requestRestart(id, for: .everything, at: face.parts.clock.timestamp)
            switch outcome {
            case .queued, .afterCancel: break
            case .running, .inputsExpired, .noProject: return
            case .unknown: return world.missing(self, "a restart")
            }
            try await life.carryOut(id, on: face)
        }
        (isRestarting, isCanceling) = (false, false)
    }

    private func remove() async {
        isRemoving = true
        await untilAnswered("remove") { [self] life, face in
            _ = try await face.store.requestRemove(id, for: .everything, at: face.parts.clock.timestamp)
            face.parts.mirror.remove(id)
            life.wish(id, on: face)
        }
    }

    // MARK: What he sees

    private var shown: StatusCode?

    /// Polls for a while, or until it is over in a world that is calm.
    private func look(for duration: Duration) async {
        shown = nil
        let end = world.now + duration.inNanoseconds
        while world.now < end, !world.isSettled {
            await world.pause(.seconds(3))
            guard let face = world.life?.face else { continue }
            do throws(APIError) {
                let task = try await face.parts.lookup.task(id, for: .everybody)
                saw(task.record.shownCode)
            } catch {
                if case .refused = error { world.missing(self, "a poll") }
            }
        }
    }

    private func saw(_ code: StatusCode) {
        if isCanceled, code != .canceled { world.blame("\(id) was cancelled and shows \(code)") }
        if let shown, shown.isFinal, code != shown { world.blame("\(id) showed its end as \(shown), then \(code)") }
        shown = code
    }

    private func untilAnswered(
        _ what: String, _ ask: @escaping @Sendable (Life, Life.Face) async throws -> Void
    ) async {
        while true {
            if let life = world.life, let face = life.face {
                do {
                    try await ask(life, face)
                    if !life.isDead { return world.say { "client: \(what) of \(self.id.string.prefix(8))" } }
                } catch {}
            }
            await world.pause(.seconds(1))
        }
    }
}
